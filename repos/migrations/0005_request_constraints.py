"""What must never be false of what the two migrations before this one brought."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("repos", "0004_requests_in_words")]

    operations = [
        migrations.AlterField("job", "request", models.CharField(max_length=200)),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(("with_sync", True), ("with_modify", True), ("with_publish", True), _connector="OR"),
                name="job_does_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(("with_sync", False), ("with_modify", False), _connector="OR"),
                name="job_sync_or_modify",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(("request", ""), _negated=True), name="job_has_request"
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["waiting", "running"])),
                fields=("repository", "request"),
                name="job_identical_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="progressreport",
            constraint=models.CheckConstraint(
                condition=models.Q(("action__in", ["sync", "modify", "publish", "distribute"])),
                name="report_action_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="remote",
            constraint=models.CheckConstraint(
                condition=models.Q(("tries__gte", 1), ("tries__lte", 20)), name="remote_tries_in_range"
            ),
        ),
        migrations.AddConstraint(
            model_name="remote",
            constraint=models.CheckConstraint(
                condition=models.Q(("connect_timeout__gte", 1), ("read_timeout__gte", 1)), name="remote_waits_some_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="remote",
            constraint=models.CheckConstraint(
                condition=models.Q(("password", ""), ("password__startswith", "gAAAAA"), _connector="OR"),
                name="remote_password_is_sealed",
            ),
        ),
        migrations.AddConstraint(
            model_name="remote",
            constraint=models.CheckConstraint(
                condition=models.Q(("token", ""), ("token__startswith", "gAAAAA"), _connector="OR"),
                name="remote_token_is_sealed",
            ),
        ),
        migrations.AddConstraint(
            model_name="remote",
            constraint=models.CheckConstraint(
                condition=models.Q(("headers", ""), ("headers__startswith", "gAAAAA"), _connector="OR"),
                name="remote_headers_is_sealed",
            ),
        ),
        migrations.AddConstraint(
            model_name="remote",
            constraint=models.CheckConstraint(
                condition=models.Q(("client_key", ""), ("client_key__startswith", "gAAAAA"), _connector="OR"),
                name="remote_client_key_is_sealed",
            ),
        ),
        migrations.AddConstraint(
            model_name="remote",
            constraint=models.CheckConstraint(
                condition=models.Q(("proxy_password", ""), ("proxy_password__startswith", "gAAAAA"), _connector="OR"),
                name="remote_proxy_password_is_sealed",
            ),
        ),
        migrations.AddConstraint(
            model_name="remote",
            constraint=models.CheckConstraint(
                condition=models.Q(("token", ""), models.Q(("password", ""), ("username", "")), _connector="OR"),
                name="remote_one_kind_of_login",
            ),
        ),
        migrations.AddConstraint(
            model_name="remote",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("client_key", ""), models.Q(("client_certificate", ""), _negated=True), _connector="OR"
                ),
                name="remote_key_has_certificate",
            ),
        ),
        migrations.AddConstraint(
            model_name="repository",
            constraint=models.CheckConstraint(
                condition=models.Q(("brake__lte", 100)), name="repository_brake_is_percentage"
            ),
        ),
        migrations.AddConstraint(
            model_name="requestedchange",
            constraint=models.UniqueConstraint(fields=("job", "path"), name="requested_change_once"),
        ),
        migrations.AddConstraint(
            model_name="requestedchange",
            constraint=models.CheckConstraint(
                condition=models.Q(("path", ""), _negated=True), name="requested_change_has_path"
            ),
        ),
    ]
