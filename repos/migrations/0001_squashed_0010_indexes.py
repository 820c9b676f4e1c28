"""All tables as 0010 leaves them, made at once: a new database takes this one step in place of the ten.

Whoever adds a migration leaves this one as it is. tests/test_migrations.py sees that both ways lead to the same tables.
"""

import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
import django.db.models.lookups
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

SORTED_BY_BYTES = ("repos_content", "repos_publishedmetadata", "repos_requestedchange")


def sort_paths_by_bytes(apps, schema_editor):
    """As 0002 says."""
    if schema_editor.connection.vendor == "postgresql":
        for table in SORTED_BY_BYTES:
            schema_editor.execute(f'ALTER TABLE {table} ALTER COLUMN path TYPE varchar(1024) COLLATE "C"')


def make_operators(apps, schema_editor):
    """The group that 0007 put everybody into."""
    apps.get_model("auth", "Group").objects.get_or_create(name="operators")


def drop_index_for_beginnings(apps, schema_editor):
    """As 0010 says; here it is still to be made."""
    name = schema_editor._create_index_name("repos_artifact", ["sha256"], suffix="_like")
    schema_editor.deferred_sql = [sql for sql in schema_editor.deferred_sql if name not in str(sql)]


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("repos", "0001_first"),
        ("repos", "0002_path_order"),
        ("repos", "0003_transport_and_requests"),
        ("repos", "0004_requests_in_words"),
        ("repos", "0005_request_constraints"),
        ("repos", "0006_upkeep_tokens_and_damage"),
        ("repos", "0007_roles_and_freshness"),
        ("repos", "0008_opened_at"),
        ("repos", "0009_content_by_artifact"),
        ("repos", "0010_indexes"),
    ]

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Remote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, unique=True)),
                ("url", models.CharField(max_length=2000, verbose_name="URL")),
                ("kind", models.CharField(choices=[("manifest", "PULP_MANIFEST")], default="manifest", max_length=20)),
                ("policy", models.CharField(choices=[("immediate", "at sync")], default="immediate", max_length=20)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "username",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="For basic authentication, with the password.",
                        max_length=200,
                        verbose_name="user name",
                    ),
                ),
                ("password", models.TextField(blank=True, default="", help_text="For basic authentication.")),
                (
                    "token",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="Sent as “Authorization: Bearer …” in place of a password.",
                        verbose_name="bearer token",
                    ),
                ),
                (
                    "headers",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="Sent with each request, one a line: “Name: value”.",
                        verbose_name="further headers",
                    ),
                ),
                (
                    "user_agent",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="What we call ourselves. Empty: Millrace and its version.",
                        max_length=200,
                    ),
                ),
                (
                    "tls_verify",
                    models.BooleanField(
                        default=True,
                        help_text="Off: anybody on the way may pass for the upstream.",
                        verbose_name="verify TLS",
                    ),
                ),
                (
                    "ca_certificate",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="PEM. Trusted for this upstream in place of the usual authorities.",
                        verbose_name="CA certificates",
                    ),
                ),
                (
                    "client_certificate",
                    models.TextField(
                        blank=True, default="", help_text="PEM, with its chain: for upstreams that ask for one."
                    ),
                ),
                (
                    "client_key",
                    models.TextField(
                        blank=True, default="", help_text="PEM, without a passphrase: that of the certificate."
                    ),
                ),
                (
                    "proxy_url",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Such as http://proxy.example:3128. Empty: none.",
                        max_length=2000,
                        verbose_name="proxy",
                    ),
                ),
                (
                    "proxy_username",
                    models.CharField(blank=True, default="", max_length=200, verbose_name="proxy user name"),
                ),
                ("proxy_password", models.TextField(blank=True, default="")),
                (
                    "use_environment",
                    models.BooleanField(
                        default=False,
                        help_text="Take proxies and logins from the server’s environment and ~/.netrc too.",
                    ),
                ),
                (
                    "concurrency",
                    models.PositiveSmallIntegerField(
                        default=16,
                        help_text="How many files are fetched at once: 1 to 100.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
                (
                    "tries",
                    models.PositiveSmallIntegerField(
                        default=4,
                        help_text="How often a file is asked for before it has failed: 1 to 20.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(20),
                        ],
                    ),
                ),
                (
                    "connect_timeout",
                    models.PositiveSmallIntegerField(
                        default=10,
                        help_text="Seconds.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3600),
                        ],
                        verbose_name="time-out to connect",
                    ),
                ),
                (
                    "read_timeout",
                    models.PositiveSmallIntegerField(
                        default=30,
                        help_text="Seconds without a byte.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3600),
                        ],
                        verbose_name="time-out to read",
                    ),
                ),
                (
                    "least_speed",
                    models.PositiveIntegerField(
                        default=100,
                        help_text="Bytes a second, over 30 seconds: an answer that drips more slowly is broken off. 0: no limit.",
                    ),
                ),
                (
                    "deadline",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Seconds that one file may take in all, tries and waits included. 0: no limit.",
                    ),
                ),
                (
                    "rate_limit",
                    models.PositiveBigIntegerField(
                        default=0,
                        help_text="Bytes a second that are taken from this upstream at most, by a job. 0: no limit.",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="remote_has_name"),
                    models.CheckConstraint(condition=models.Q(("url__istartswith", "http")), name="remote_url_is_http"),
                    models.CheckConstraint(condition=models.Q(("kind__in", ["manifest"])), name="remote_kind_is_known"),
                    models.CheckConstraint(
                        condition=models.Q(("policy__in", ["immediate"])), name="remote_policy_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("concurrency__gte", 1), ("concurrency__lte", 100)),
                        name="remote_concurrency_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("tries__gte", 1), ("tries__lte", 20)), name="remote_tries_in_range"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("connect_timeout__gte", 1), ("read_timeout__gte", 1)),
                        name="remote_waits_some_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("password", ""), ("password__startswith", "gAAAAA"), _connector="OR"),
                        name="remote_password_is_sealed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("token", ""), ("token__startswith", "gAAAAA"), _connector="OR"),
                        name="remote_token_is_sealed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("headers", ""), ("headers__startswith", "gAAAAA"), _connector="OR"),
                        name="remote_headers_is_sealed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("client_key", ""), ("client_key__startswith", "gAAAAA"), _connector="OR"),
                        name="remote_client_key_is_sealed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("proxy_password", ""), ("proxy_password__startswith", "gAAAAA"), _connector="OR"
                        ),
                        name="remote_proxy_password_is_sealed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("token", ""), models.Q(("password", ""), ("username", "")), _connector="OR"
                        ),
                        name="remote_one_kind_of_login",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("client_key", ""), models.Q(("client_certificate", ""), _negated=True), _connector="OR"
                        ),
                        name="remote_key_has_certificate",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PublishSettings",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "manifest",
                    models.CharField(
                        blank=True,
                        default="PULP_MANIFEST",
                        help_text="The list of all files: lines of path, sha256, size. Empty: none is written.",
                        max_length=200,
                        verbose_name="manifest name",
                    ),
                ),
                (
                    "checksums",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="A file for “sha256sum -c”, such as SHA256SUMS. Empty: none is written.",
                        max_length=200,
                        verbose_name="checksum file",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name_plural": "publish settings",
                "ordering": ["pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("manifest", "checksums"), name="publish_settings_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("manifest", ""),
                            models.Q(("manifest", models.F("checksums")), _negated=True),
                            _connector="OR",
                        ),
                        name="publish_settings_names_differ",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Repository",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, unique=True)),
                (
                    "remote",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="repositories",
                        to="repos.remote",
                    ),
                ),
                (
                    "publish_settings",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="repositories",
                        to="repos.publishsettings",
                    ),
                ),
                ("mirror", models.BooleanField(default=False)),
                ("auto_publish", models.BooleanField(default=True)),
                ("auto_distribute", models.BooleanField(default=True)),
                ("brake", models.PositiveSmallIntegerField(default=50)),
                ("skip_failed_files", models.BooleanField(default=False)),
                ("keep_versions", models.PositiveIntegerField(blank=True, null=True)),
                ("keep_days", models.PositiveIntegerField(blank=True, null=True)),
                ("stale_days", models.PositiveIntegerField(blank=True, default=7, null=True)),
                ("synced_at", models.DateTimeField(editable=False, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name_plural": "repositories",
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="repository_has_name"),
                    models.CheckConstraint(
                        condition=models.Q(("auto_publish", True), ("auto_distribute", False), _connector="OR"),
                        name="repository_distribute_needs_publish",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("brake__lte", 100)), name="repository_brake_is_percentage"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("keep_versions", None), ("keep_versions__gte", 1), _connector="OR"),
                            models.Q(("keep_days", None), ("keep_days__gte", 1), _connector="OR"),
                        ),
                        name="repository_keeps_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("stale_days", None), ("stale_days__gte", 1), _connector="OR"),
                        name="repository_stale_some_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RepositoryVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="repos.repository",
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("complete", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("files", models.PositiveBigIntegerField(default=0)),
                ("size", models.PositiveBigIntegerField(default=0)),
                ("added", models.PositiveBigIntegerField(default=0)),
                ("removed", models.PositiveBigIntegerField(default=0)),
                ("changed", models.PositiveBigIntegerField(default=0)),
                ("failed", models.PositiveBigIntegerField(default=0)),
            ],
            options={
                "ordering": ["repository", "number"],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "number"), name="version_number_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("complete", False)),
                        fields=("repository",),
                        name="version_one_in_the_making",
                    ),
                    models.CheckConstraint(
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
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "files__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("added"), "+", models.F("changed")
                                ),
                            )
                        ),
                        name="version_has_its_additions",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SyncState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "repository",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="sync_state", to="repos.repository"
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="repos.repositoryversion"
                    ),
                ),
                ("url", models.CharField(max_length=2000)),
                ("mirror", models.BooleanField()),
                ("etag", models.CharField(default="", max_length=500)),
                ("last_modified", models.CharField(default="", max_length=100)),
                ("sha256", models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="Artifact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sha256", models.CharField(max_length=64, unique=True)),
                ("size", models.PositiveBigIntegerField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("wanted_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("doomed", models.BooleanField(default=False)),
            ],
            options={
                "indexes": [models.Index(condition=models.Q(("doomed", True)), fields=["id"], name="artifact_by_doom")],
                "constraints": [
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            django.db.models.functions.text.Length(models.F("sha256")), models.Value(64)
                        ),
                        name="artifact_sha256_is_whole",
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            django.db.models.functions.text.Lower(models.F("sha256")), models.F("sha256")
                        ),
                        name="artifact_sha256_is_lower",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Content",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="content",
                        to="repos.repository",
                    ),
                ),
                ("path", models.CharField(max_length=1024)),
                (
                    "artifact",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="content",
                        to="repos.artifact",
                    ),
                ),
                ("added", models.PositiveIntegerField()),
                ("removed", models.PositiveIntegerField(default=2147483647)),
            ],
            options={
                "verbose_name_plural": "content",
                "indexes": [
                    models.Index(fields=["artifact", "repository"], name="content_by_artifact"),
                    models.Index(fields=["added", "repository"], name="content_by_added"),
                    models.Index(
                        condition=models.Q(("removed__lt", 2147483647)),
                        fields=["removed", "repository"],
                        name="content_by_removed",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("repository", "path", "removed"), name="content_path_once"),
                    models.CheckConstraint(condition=models.Q(("path", ""), _negated=True), name="content_has_path"),
                    models.CheckConstraint(
                        condition=models.Q(("added__lt", models.F("removed"))), name="content_added_before_removed"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Damage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "artifact",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="damage", to="repos.artifact"
                    ),
                ),
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
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("cause__in", ["missing", "size", "digest", "unreadable"])),
                        name="damage_cause_is_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Publication",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="publications",
                        to="repos.repositoryversion",
                    ),
                ),
                (
                    "settings",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="publications",
                        to="repos.publishsettings",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [models.UniqueConstraint(fields=("version", "settings"), name="publication_pair_once")],
            },
        ),
        migrations.CreateModel(
            name="PublishedMetadata",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "publication",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="metadata",
                        to="repos.publication",
                    ),
                ),
                ("path", models.CharField(max_length=1024)),
                (
                    "artifact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="metadata", to="repos.artifact"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "published metadata",
                "constraints": [
                    models.UniqueConstraint(fields=("publication", "path"), name="metadata_path_once"),
                    models.CheckConstraint(condition=models.Q(("path", ""), _negated=True), name="metadata_has_path"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Distribution",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("base_path", models.CharField(max_length=255, unique=True)),
                (
                    "repository",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="distributions", to="repos.repository"
                    ),
                ),
                ("pinned", models.BooleanField(default=False)),
                (
                    "publication",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="distributions",
                        to="repos.publication",
                    ),
                ),
                ("protected", models.BooleanField(default=False)),
                ("opened_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["base_path"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("base_path", ""), _negated=True),
                            models.Q(("base_path__startswith", "/"), _negated=True),
                            models.Q(("base_path__endswith", "/"), _negated=True),
                        ),
                        name="distribution_base_path_is_relative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("pinned", False), ("publication__isnull", False), _connector="OR"),
                        name="distribution_pinned_to_something",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AccessToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("start", models.CharField(max_length=12)),
                ("everything", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("distributions", models.ManyToManyField(blank=True, related_name="tokens", to="repos.distribution")),
            ],
            options={
                "ordering": ["-pk"],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="token_has_name"),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            django.db.models.functions.text.Length(models.F("digest")), models.Value(64)
                        ),
                        name="token_digest_is_whole",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=300, unique=True)),
                ("pid", models.PositiveIntegerField()),
                ("threads", models.PositiveSmallIntegerField()),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("heartbeat_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "repository",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="jobs",
                        to="repos.repository",
                    ),
                ),
                ("with_sync", models.BooleanField()),
                ("with_modify", models.BooleanField(default=False)),
                ("with_publish", models.BooleanField()),
                ("with_distribute", models.BooleanField()),
                ("with_verify", models.BooleanField(default=False)),
                ("with_clean", models.BooleanField(default=False)),
                ("request", models.CharField(max_length=200)),
                ("of_version", models.PositiveIntegerField(null=True)),
                (
                    "publish_settings",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="jobs",
                        to="repos.publishsettings",
                    ),
                ),
                ("may_remove", models.PositiveBigIntegerField(null=True)),
                ("may_replace", models.BooleanField(default=False)),
                ("may_repair", models.BooleanField(default=False)),
                ("rate", models.PositiveBigIntegerField(null=True)),
                ("position", models.PositiveBigIntegerField(default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                            ("canceled", "Canceled"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("requested_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "requested_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("cancel_requested_at", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("worker", models.CharField(default="", max_length=300)),
                ("attempt", models.PositiveIntegerField(default=0)),
                ("deaths", models.PositiveSmallIntegerField(default=0)),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="jobs",
                        to="repos.repositoryversion",
                    ),
                ),
                (
                    "publication",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="jobs",
                        to="repos.publication",
                    ),
                ),
                ("failed", models.PositiveBigIntegerField(default=0)),
                ("outcome", models.TextField(default="")),
                ("freed_files", models.PositiveBigIntegerField(null=True)),
                ("freed_bytes", models.PositiveBigIntegerField(null=True)),
                ("error", models.TextField(default="")),
                ("error_code", models.CharField(default="", max_length=50)),
                ("would_remove", models.PositiveBigIntegerField(null=True)),
            ],
            options={
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(fields=["state", "id"], name="job_by_state"),
                    models.Index(fields=["repository", "id"], name="job_by_repository"),
                    models.Index(fields=["requested_at"], name="job_by_request"),
                    models.Index(fields=["finished_at", "id"], name="job_by_end"),
                    models.Index(
                        condition=models.Q(("version__isnull", False)), fields=["version"], name="job_by_version"
                    ),
                    models.Index(
                        condition=models.Q(("publication__isnull", False)),
                        fields=["publication"],
                        name="job_by_publication",
                    ),
                    models.Index(
                        condition=models.Q(("with_verify", True), ("with_clean", True), _connector="OR"),
                        fields=["id"],
                        name="job_upkeep",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["waiting", "running", "completed", "failed", "canceled"])),
                        name="job_state_is_known",
                    ),
                    models.CheckConstraint(
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
                    models.CheckConstraint(
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
                    models.CheckConstraint(
                        condition=models.Q(
                            ("repository__isnull", False),
                            models.Q(("with_modify", False), ("with_publish", False), ("with_sync", False)),
                            _connector="OR",
                        ),
                        name="job_run_has_repository",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("with_sync", False), ("with_modify", False), _connector="OR"),
                        name="job_sync_or_modify",
                    ),
                    models.CheckConstraint(condition=models.Q(("request", ""), _negated=True), name="job_has_request"),
                    models.CheckConstraint(
                        condition=models.Q(("with_publish", True), ("with_distribute", False), _connector="OR"),
                        name="job_distribute_needs_publish",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("finished_at__isnull", False), ("state__in", ["completed", "failed", "canceled"])
                            ),
                            models.Q(("finished_at__isnull", True), ("state__in", ["waiting", "running"])),
                            _connector="OR",
                        ),
                        name="job_finished_when_ended",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "running"), _negated=True),
                            models.Q(
                                ("heartbeat_at__isnull", False),
                                ("started_at__isnull", False),
                                models.Q(("worker", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="job_running_has_worker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "failed"), _negated=True),
                            models.Q(("error", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="job_failed_says_why",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["waiting", "running"])),
                        fields=("repository", "request"),
                        name="job_identical_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("repository__isnull", True), ("state__in", ["waiting", "running"])),
                        fields=("request",),
                        name="job_identical_upkeep_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "running"), ("with_clean", False), ("with_verify", False)),
                        fields=("repository",),
                        name="job_one_running_per_repository",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Switch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "distribution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="history", to="repos.distribution"
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "earlier",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="repos.publication",
                    ),
                ),
                (
                    "later",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="repos.publication",
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="switches", to="repos.job"
                    ),
                ),
                ("reason", models.CharField(max_length=500)),
            ],
            options={
                "verbose_name_plural": "switches",
                "ordering": ["-pk"],
                "indexes": [models.Index(fields=["distribution", "at"], name="switch_by_time")],
            },
        ),
        migrations.CreateModel(
            name="RequestedChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="repos.job",
                    ),
                ),
                ("path", models.CharField(max_length=1024)),
                (
                    "artifact",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="repos.artifact"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("job", "path"), name="requested_change_once"),
                    models.CheckConstraint(
                        condition=models.Q(("path", ""), _negated=True), name="requested_change_has_path"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Reservation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reservations",
                        to="repos.job",
                    ),
                ),
                ("resource", models.CharField(max_length=50)),
                ("held", models.BooleanField(default=False)),
            ],
            options={
                "indexes": [models.Index(fields=["resource"], name="reservation_by_resource")],
                "constraints": [
                    models.UniqueConstraint(fields=("job", "resource"), name="reservation_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("held", True)), fields=("resource",), name="reservation_held_by_one"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProgressReport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="reports", to="repos.job"
                    ),
                ),
                (
                    "action",
                    models.CharField(
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
                ("code", models.CharField(max_length=50)),
                ("message", models.CharField(max_length=500)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("completed", "Completed"),
                            ("skipped", "Skipped"),
                            ("failed", "Failed"),
                            ("canceled", "Canceled"),
                        ],
                        default="running",
                        max_length=10,
                    ),
                ),
                ("done", models.PositiveBigIntegerField(default=0)),
                ("total", models.PositiveBigIntegerField(null=True)),
                ("bytes_done", models.PositiveBigIntegerField(default=0)),
                ("bytes_total", models.PositiveBigIntegerField(null=True)),
                ("rate", models.PositiveBigIntegerField(default=0)),
                ("suffix", models.CharField(default="", max_length=500)),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["running", "completed", "skipped", "failed", "canceled"])),
                        name="report_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("action__in", ["sync", "modify", "publish", "distribute", "verify", "clean"])
                        ),
                        name="report_action_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at__isnull", True), ("state", "running")),
                            models.Q(models.Q(("state", "running"), _negated=True), ("finished_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="report_finished_when_ended",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FailedFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="failed_files", to="repos.job"
                    ),
                ),
                ("path", models.CharField(max_length=1024)),
                ("url", models.TextField()),
                ("cause", models.CharField(max_length=50)),
                ("message", models.TextField()),
                ("tries", models.PositiveSmallIntegerField()),
                ("expected_sha256", models.CharField(max_length=64)),
                ("expected_size", models.PositiveBigIntegerField()),
                ("actual_sha256", models.CharField(default="", max_length=64)),
                ("actual_size", models.PositiveBigIntegerField(null=True)),
                ("advice", models.TextField(default="")),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.RunPython(sort_paths_by_bytes, migrations.RunPython.noop),
        migrations.RunPython(make_operators, migrations.RunPython.noop),
        migrations.RunPython(drop_index_for_beginnings, migrations.RunPython.noop),
    ]
