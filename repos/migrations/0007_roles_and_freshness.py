"""Who could change everything becomes an operator; and when each repository last agreed with its upstream."""

from django.conf import settings
from django.db import migrations
from django.db.models import Max

OPERATORS = "operators"


def make_operators(apps, schema_editor):
    """Until now whoever could sign in could do everything but what is the administrators'."""
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=OPERATORS)
    app, _, model = settings.AUTH_USER_MODEL.partition(".")
    for user in apps.get_model(app, model).objects.filter(is_superuser=False):
        user.groups.add(group)


def note_freshness(apps, schema_editor):
    synced = apps.get_model("repos", "Job").objects.filter(with_sync=True, state="completed")
    for found in synced.values("repository").annotate(at=Max("finished_at")):
        apps.get_model("repos", "Repository").objects.filter(pk=found["repository"]).update(synced_at=found["at"])


class Migration(migrations.Migration):
    dependencies = [
        ("repos", "0006_upkeep_tokens_and_damage"),
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(make_operators, migrations.RunPython.noop),
        migrations.RunPython(note_freshness, migrations.RunPython.noop),
    ]
