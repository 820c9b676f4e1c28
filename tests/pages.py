"""The pages that are looked at, by name: who makes a page adds it to `pages`.

Pictures are made of them (tests/screenshots.py), and whether everybody can use them is tested
(tests/test_browser_accessible.py).
"""

from repos import distribute
from repos.models import Publication, Repository
from tests import history, scenes


def pages() -> dict[str, str]:
    """The pages worth a picture, by name, on a busy house."""
    found = {name: f"/jobs/{job.pk}/" for name, job in scenes.a_busy_house(runs=22).items()}
    tools = Repository.objects.get(name="debian-tools")
    data = Repository.objects.get(name="open-data")
    distribution, stable = tools.distributions.order_by("base_path")
    distribute.pin(stable, Publication.objects.filter(version__repository=tools)[1], reason="4 lacks the manuals")
    publication = Publication.objects.filter(version__repository=tools).latest("pk")
    scenes.two_versions(firmware := Repository.objects.get(name="router-firmware"))
    dry_run = scenes.a_dry_run(tools)
    history.of_storage(days=90)
    token = scenes.tokens_in_each_state(distribution)
    return (
        {"overview": "/", "jobs": "/jobs/", "lost": "/nowhere/"}
        | found
        | {
            "storage": "/storage/?counted",
            "storage-repository": f"/storage/{tools.pk}/?counted",
            "status": "/status/",
            "repositories": "/repositories/",
            "repository": f"/repositories/{tools.pk}/",
            "repository-files": f"/repositories/{tools.pk}/files/",
            "repository-folder": f"/repositories/{tools.pk}/files/?folder=pool/main/",
            "repository-found": f"/repositories/{tools.pk}/files/?q=deb",
            "repository-versions": f"/repositories/{tools.pk}/versions/",
            "repository-publications": f"/repositories/{tools.pk}/publications/",
            "repository-distributions": f"/repositories/{tools.pk}/distributions/",
            "repository-jobs": f"/repositories/{tools.pk}/jobs/",
            "upload": f"/repositories/{tools.pk}/upload/",
            "remove": f"/repositories/{tools.pk}/remove/?path=a/file.iso",
            "repository-without-files": f"/repositories/{data.pk}/",
            "repository-new": "/repositories/new/",
            "compare": f"/repositories/{firmware.pk}/compare/",
            "dry-run": f"/jobs/{dry_run.pk}/dry-run/",
            "dry-run-job": f"/jobs/{dry_run.pk}/",
            "repository-edit": f"/repositories/{tools.pk}/edit/",
            "repository-delete": f"/repositories/{tools.pk}/delete/",
            "version": f"/repositories/{tools.pk}/versions/2/",
            "publications": "/publications/",
            "publication": f"/publications/{publication.pk}/",
            "distributions": "/distributions/",
            "distribution": f"/distributions/{distribution.pk}/",
            "distribution-pinned": f"/distributions/{stable.pk}/",
            "distribution-new": "/distributions/new/",
            "distribution-edit": f"/distributions/{stable.pk}/edit/",
            "distribution-delete": f"/distributions/{stable.pk}/delete/",
            "listings": "/content/",
            "listing": f"/content/{distribution.base_path}/pool/main/",
            "listing-digests": f"/content/{distribution.base_path}/pool/main/?digests=1&sort=-size",
            "listing-nothing": "/content/nowhere/",
            "remotes": "/remotes/",
            "remote": f"/remotes/{tools.remote_id}/",
            "remote-new": "/remotes/new/",
            "remote-edit": f"/remotes/{tools.remote_id}/edit/",
            "profile": "/profile/",
            "password": "/password/",
            "users": "/users/",
            "user": f"/users/{scenes.an_operator('ada').pk}/",
            "user-delete": f"/users/{scenes.an_operator('ada').pk}/delete/",
            "user-new": "/users/new/",
            "tokens": "/tokens/",
            "token-new": "/tokens/new/",
            "token-revoke": f"/tokens/{token.pk}/revoke/",
            "styleguide": "/styleguide/",
            "publish-settings": "/publish-settings/",
            "publish-settings-detail": f"/publish-settings/{tools.publish_settings_id}/",
            "publish-settings-edit": f"/publish-settings/{tools.publish_settings_id}/edit/?repository={tools.pk}",
        }
    )
