"""Jobs of earlier releases get their requests in words; paths of requested changes sort by their bytes."""

from itertools import product

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

_ACTIONS = ("sync", "publish", "distribute")


def put_requests_into_words(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    jobs = apps.get_model("repos", "Job").objects.using(schema_editor.connection.alias)
    for asked in product([True, False], repeat=len(_ACTIONS)):
        wanted = dict(zip(_ACTIONS, asked, strict=True))
        words = " ".join(action for action in _ACTIONS if wanted[action])
        jobs.filter(**{f"with_{action}": yes for action, yes in wanted.items()}).update(request=words)


def sort_paths_by_bytes(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute('ALTER TABLE repos_requestedchange ALTER COLUMN path TYPE varchar(1024) COLLATE "C"')


class Migration(migrations.Migration):
    dependencies = [("repos", "0003_transport_and_requests")]
    operations = [
        migrations.RunPython(put_requests_into_words, migrations.RunPython.noop),
        migrations.RunPython(sort_paths_by_bytes, migrations.RunPython.noop),
    ]
