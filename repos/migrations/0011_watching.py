"""What pages show of jobs and of storage over time: a log, how far a step was when, dry runs, a row a day."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("repos", "0001_squashed_0010_indexes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DryRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("base", models.PositiveIntegerField()),
                ("added", models.PositiveBigIntegerField()),
                ("removed", models.PositiveBigIntegerField()),
                ("changed", models.PositiveBigIntegerField()),
                ("growth", models.BigIntegerField()),
                ("fetched_files", models.PositiveBigIntegerField()),
                ("fetched_bytes", models.PositiveBigIntegerField()),
                ("brake", models.BooleanField(default=False)),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="LogLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "level",
                    models.CharField(
                        choices=[("info", "Info"), ("warning", "Warning"), ("error", "Error")],
                        default="info",
                        max_length=10,
                    ),
                ),
                ("message", models.CharField(max_length=500)),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="StorageDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(unique=True)),
                ("files", models.PositiveBigIntegerField()),
                ("size", models.PositiveBigIntegerField()),
                ("side_by_side", models.PositiveBigIntegerField(null=True)),
            ],
            options={
                "ordering": ["day"],
            },
        ),
        migrations.AddField(
            model_name="job",
            name="dry_run",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="progressreport",
            name="current",
            field=models.TextField(default=""),
        ),
        migrations.AddField(
            model_name="progressreport",
            name="samples",
            field=models.TextField(default=""),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("dry_run", False),
                    models.Q(
                        ("with_clean", False),
                        ("with_modify", False),
                        ("with_publish", False),
                        ("with_sync", True),
                        ("with_verify", False),
                    ),
                    _connector="OR",
                ),
                name="job_dry_run_only_syncs",
            ),
        ),
        migrations.AddField(
            model_name="dryrun",
            name="job",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="would", to="repos.job"
            ),
        ),
        migrations.AddField(
            model_name="logline",
            name="job",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="log", to="repos.job"
            ),
        ),
        migrations.AddIndex(
            model_name="logline",
            index=models.Index(fields=["job", "id"], name="log_line_by_job"),
        ),
        migrations.AddConstraint(
            model_name="logline",
            constraint=models.CheckConstraint(
                condition=models.Q(("level__in", ["info", "warning", "error"])), name="log_line_level_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="logline",
            constraint=models.CheckConstraint(
                condition=models.Q(("message", ""), _negated=True), name="log_line_says_something"
            ),
        ),
    ]
