"""Indexes for what is asked often, and none that another index begins with or that nothing asks for."""

from typing import Any

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import Q


def drop_index_for_beginnings(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """PostgreSQL gets a second index of a unique text, for LIKE 'ab%': nobody asks for half a digest."""
    if schema_editor.connection.vendor == "postgresql":
        name = schema_editor._create_index_name("repos_artifact", ["sha256"], suffix="_like")
        schema_editor.execute(f"DROP INDEX IF EXISTS {schema_editor.quote_name(name)}")


def drop_index_of_column(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """By name: to alter the columns would have SQLite copy the tables."""
    for model, column in UNNEEDED:
        table = apps.get_model("repos", model)
        for name in schema_editor._constraint_names(table, [column], index=True, unique=False):
            schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


def one(model: str, related_name: str, on_delete: Any = models.CASCADE, *, null: bool = False) -> models.ForeignKey:
    return models.ForeignKey(f"repos.{model}", on_delete, null=null, related_name=related_name, db_index=False)


UNNEEDED = (
    *(("job", "repository_id"), ("job", "version_id"), ("job", "publication_id"), ("publication", "version_id")),
    *(("publishedmetadata", "publication_id"), ("repositoryversion", "repository_id"), ("reservation", "job_id")),
)


class Migration(migrations.Migration):
    dependencies = [("repos", "0009_content_by_artifact")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_index_of_column, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField("job", "repository", one("repository", "jobs", null=True)),
                migrations.AlterField("job", "version", one("repositoryversion", "jobs", models.SET_NULL, null=True)),
                migrations.AlterField("job", "publication", one("publication", "jobs", models.SET_NULL, null=True)),
                migrations.AlterField("publication", "version", one("repositoryversion", "publications")),
                migrations.AlterField("publishedmetadata", "publication", one("publication", "metadata")),
                migrations.AlterField("repositoryversion", "repository", one("repository", "versions")),
                migrations.AlterField("reservation", "job", one("job", "reservations")),
            ],
        ),
        migrations.AddIndex("job", models.Index(name="job_by_repository", fields=["repository", "id"])),
        migrations.AddIndex("job", models.Index(name="job_by_request", fields=["requested_at"])),
        migrations.AddIndex("job", models.Index(name="job_by_end", fields=["finished_at", "id"])),
        migrations.AddIndex(
            "job", models.Index(name="job_by_version", fields=["version"], condition=Q(version__isnull=False))
        ),
        migrations.AddIndex(
            "job",
            models.Index(name="job_by_publication", fields=["publication"], condition=Q(publication__isnull=False)),
        ),
        migrations.AddIndex(
            "job",
            models.Index(name="job_upkeep", fields=["id"], condition=Q(with_verify=True) | Q(with_clean=True)),
        ),
        migrations.RunPython(drop_index_for_beginnings, migrations.RunPython.noop),
    ]
