"""PostgreSQL sorts text by the server's language unless told otherwise; paths are sorted by their bytes, as in SQLite."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def sort_paths_by_bytes(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for table in ("repos_content", "repos_publishedmetadata"):
            schema_editor.execute(f'ALTER TABLE {table} ALTER COLUMN path TYPE varchar(1024) COLLATE "C"')


class Migration(migrations.Migration):
    dependencies = [("repos", "0001_first")]
    operations = [migrations.RunPython(sort_paths_by_bytes, migrations.RunPython.noop)]
