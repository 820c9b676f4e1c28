"""As far as what is stored was counted for a day: from there on it can be gone on with."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("repos", "0011_watching")]

    operations = [
        migrations.AddField("storageday", "newest", models.PositiveBigIntegerField(null=True)),
        migrations.AddField("storageday", "cleaned", models.PositiveBigIntegerField(null=True)),
    ]
