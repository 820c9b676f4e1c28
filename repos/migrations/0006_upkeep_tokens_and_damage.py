"""Verify and clean-up as jobs, damage, retention, failed files that a version goes without, tokens."""

import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("repos", "0005_request_constraints"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AccessToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("start", models.CharField(max_length=12)),
                ("everything", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="Damage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("missing", "Missing"),
                            ("size", "Size"),
                            ("digest", "Digest"),
                            ("unreadable", "Unreadable"),
                        ],
                        max_length=20,
                    ),
                ),
                ("why", models.CharField(max_length=500)),
                ("found_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("quarantined", models.BooleanField(default=False)),
            ],
            options={
                "verbose_name_plural": "damage",
                "ordering": ["pk"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="job",
            name="job_one_running_per_repository",
        ),
        migrations.RemoveConstraint(
            model_name="job",
            name="job_does_something",
        ),
        migrations.RemoveConstraint(
            model_name="progressreport",
            name="report_action_is_known",
        ),
        migrations.RemoveConstraint(
            model_name="repositoryversion",
            name="version_0_is_empty",
        ),
        migrations.AddField(
            model_name="artifact",
            name="doomed",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="artifact",
            name="wanted_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.AddField(
            model_name="distribution",
            name="protected",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="failedfile",
            name="advice",
            field=models.TextField(default=""),
        ),
        migrations.AddField(
            model_name="job",
            name="failed",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="job",
            name="freed_bytes",
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="job",
            name="freed_files",
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="job",
            name="may_repair",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="job",
            name="outcome",
            field=models.TextField(default=""),
        ),
        migrations.AddField(
            model_name="job",
            name="position",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="job",
            name="rate",
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="job",
            name="with_clean",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="job",
            name="with_verify",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="repository",
            name="keep_days",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="repository",
            name="keep_versions",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="repository",
            name="skip_failed_files",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="repository",
            name="stale_days",
            field=models.PositiveIntegerField(blank=True, default=7, null=True),
        ),
        migrations.AddField(
            model_name="repository",
            name="synced_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="repositoryversion",
            name="failed",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="job",
            name="repository",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="jobs", to="repos.repository"
            ),
        ),
        migrations.AlterField(
            model_name="progressreport",
            name="action",
            field=models.CharField(
                choices=[
                    ("sync", "Sync"),
                    ("modify", "Modify"),
                    ("publish", "Publish"),
                    ("distribute", "Distribute"),
                    ("verify", "Verify"),
                    ("clean", "Clean"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddIndex(
            model_name="artifact",
            index=models.Index(condition=models.Q(("doomed", True)), fields=["id"], name="artifact_by_doom"),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("with_sync", True),
                    ("with_modify", True),
                    ("with_publish", True),
                    ("with_verify", True),
                    ("with_clean", True),
                    _connector="OR",
                ),
                name="job_does_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("with_clean", False), ("with_verify", False)),
                    models.Q(
                        models.Q(("with_clean", True), ("with_verify", True), _negated=True),
                        ("with_modify", False),
                        ("with_publish", False),
                        ("with_sync", False),
                    ),
                    _connector="OR",
                ),
                name="job_upkeep_stands_alone",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("repository__isnull", False),
                    models.Q(("with_modify", False), ("with_publish", False), ("with_sync", False)),
                    _connector="OR",
                ),
                name="job_run_has_repository",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                condition=models.Q(("repository__isnull", True), ("state__in", ["waiting", "running"])),
                fields=("request",),
                name="job_identical_upkeep_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "running"), ("with_clean", False), ("with_verify", False)),
                fields=("repository",),
                name="job_one_running_per_repository",
            ),
        ),
        migrations.AddConstraint(
            model_name="progressreport",
            constraint=models.CheckConstraint(
                condition=models.Q(("action__in", ["sync", "modify", "publish", "distribute", "verify", "clean"])),
                name="report_action_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="repository",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("keep_versions", None), ("keep_versions__gte", 1), _connector="OR"),
                    models.Q(("keep_days", None), ("keep_days__gte", 1), _connector="OR"),
                ),
                name="repository_keeps_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="repository",
            constraint=models.CheckConstraint(
                condition=models.Q(("stale_days", None), ("stale_days__gte", 1), _connector="OR"),
                name="repository_stale_some_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="repositoryversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("number__gt", 0),
                    models.Q(
                        ("added", 0),
                        ("changed", 0),
                        ("complete", True),
                        ("failed", 0),
                        ("files", 0),
                        ("removed", 0),
                        ("size", 0),
                    ),
                    _connector="OR",
                ),
                name="version_0_is_empty",
            ),
        ),
        migrations.AddField(
            model_name="accesstoken",
            name="created_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="accesstoken",
            name="distributions",
            field=models.ManyToManyField(blank=True, related_name="tokens", to="repos.distribution"),
        ),
        migrations.AddField(
            model_name="damage",
            name="artifact",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="damage", to="repos.artifact"
            ),
        ),
        migrations.AddConstraint(
            model_name="accesstoken",
            constraint=models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="token_has_name"),
        ),
        migrations.AddConstraint(
            model_name="accesstoken",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(
                    django.db.models.functions.text.Length(models.F("digest")), models.Value(64)
                ),
                name="token_digest_is_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="damage",
            constraint=models.CheckConstraint(
                condition=models.Q(("cause__in", ["missing", "size", "digest", "unreadable"])),
                name="damage_cause_is_known",
            ),
        ),
    ]
