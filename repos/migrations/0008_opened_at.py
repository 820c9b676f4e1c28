"""Remembers when a distribution was opened, so that what was superseded while it was protected stays so."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("repos", "0007_roles_and_freshness")]

    operations = [
        migrations.AddField(
            model_name="distribution",
            name="opened_at",
            field=models.DateTimeField(null=True),
        ),
    ]
