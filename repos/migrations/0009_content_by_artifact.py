"""The index that finds the files with certain bytes tells whose they are, too: who needs what is read from it alone."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

INDEX = models.Index(name="content_by_artifact", fields=["artifact", "repository"])


def drop_index_by_artifact_alone(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """By name: to alter the column would have SQLite copy the whole table, which may have millions of rows."""
    content = apps.get_model("repos", "Content")
    for name in schema_editor._constraint_names(content, ["artifact_id"], index=True):
        schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


class Migration(migrations.Migration):
    dependencies = [("repos", "0008_opened_at")]

    operations = [
        migrations.AddIndex("content", INDEX),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_index_by_artifact_alone, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField(
                    "content",
                    "artifact",
                    models.ForeignKey(
                        "repos.artifact", on_delete=models.PROTECT, related_name="content", db_index=False
                    ),
                ),
            ],
        ),
    ]
