"""What only one thing needs: the rows and bytes that nothing else would need once it is deleted."""

from array import array

from django.db import transaction
from django.db.models import Exists, Max, Min, OuterRef, Q, Sum

from .chunks import chunks
from .models import Artifact, Content, Publication, PublishedMetadata, Repository, RepositoryVersion, RequestedChange
from .progress import Progress

_NONE = Q(pk__in=[])


def content_of(version: RepositoryVersion) -> Q:
    """The content that no other complete version of its repository has; it is not the newest, and not number 0.

    With it what a deletion that was cut short left between the same neighbours.
    """
    others = version.repository.versions.complete().exclude(pk=version.pk)
    before = others.filter(number__lt=version.number).aggregate(number=Max("number"))["number"]
    after = others.filter(number__gt=version.number).aggregate(number=Min("number"))["number"]
    # Each column is bounded on both sides, so that either index serves.
    added, removed = Q(added__gt=before, added__lt=after), Q(removed__gt=before, removed__lte=after)
    return Q(repository=version.repository_id) & added & removed


def bytes_of_version(version: RepositoryVersion) -> int:
    """The size of the files, metadata of its publications included, that nothing but `version` needs."""
    return _bytes(content_of(version), Q(publication__version=version), _NONE)


def bytes_of_publication(publication: Publication) -> int:
    """The size of the metadata files that nothing but `publication` needs."""
    return _bytes(_NONE, Q(publication=publication), _NONE)


def bytes_of_repository(repository: Repository) -> int:
    """The size of the files, metadata of its publications included, that nothing but `repository` needs."""
    metadata = Q(publication__version__repository=repository)
    return _bytes(Q(repository=repository), metadata, Q(job__repository=repository))


def _bytes(content: Q, metadata: Q, changes: Q) -> int:
    """The size of the artifacts that these rows name, and no other row does."""
    rows = (Content.objects, content), (PublishedMetadata.objects, metadata), (RequestedChange.objects, changes)
    first, *others = (model.filter(which).exclude(artifact=None).values("artifact") for model, which in rows)
    found = Artifact.objects.filter(Q(pk__in=first.union(*others)))
    for model, which in rows:
        found = found.exclude(Exists(model.filter(~which, artifact=OuterRef("pk"))))
    return int(found.aggregate(size=Sum("size", default=0))["size"])


def delete_content(which: Q, progress: Progress | None = None) -> None:
    """Deletes these rows, a few hundred at a time, so that others can write in between. Can be done again.

    Raises what `progress` raises.
    """
    # Eight bytes a row; to look for them anew before each piece would read what is not meant again and again.
    numbers = array("q", Content.objects.filter(which).values_list("pk", flat=True).iterator())
    for some in chunks(numbers):
        if progress:
            progress.check()
        with transaction.atomic():
            Content.objects.filter(pk__in=some).delete()
