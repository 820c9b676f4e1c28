"""How remotes are reached, the brake, and all that a job can be asked for. The rows are filled in by the next one."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("repos", "0002_path_order"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RequestedChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("path", models.CharField(max_length=1024)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="job",
            name="job_does_something",
        ),
        migrations.RemoveConstraint(
            model_name="job",
            name="job_identical_once",
        ),
        migrations.RemoveConstraint(
            model_name="progressreport",
            name="report_action_is_known",
        ),
        migrations.AddField(
            model_name="job",
            name="may_remove",
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="job",
            name="may_replace",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="job",
            name="of_version",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="job",
            name="publish_settings",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="jobs", to="repos.publishsettings"
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="request",
            field=models.CharField(default="", max_length=200),
        ),
        migrations.AddField(
            model_name="job",
            name="with_modify",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="job",
            name="would_remove",
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="remote",
            name="ca_certificate",
            field=models.TextField(
                blank=True,
                default="",
                help_text="PEM. Trusted for this upstream in place of the usual authorities.",
                verbose_name="CA certificates",
            ),
        ),
        migrations.AddField(
            model_name="remote",
            name="client_certificate",
            field=models.TextField(
                blank=True, default="", help_text="PEM, with its chain: for upstreams that ask for one."
            ),
        ),
        migrations.AddField(
            model_name="remote",
            name="client_key",
            field=models.TextField(
                blank=True, default="", help_text="PEM, without a passphrase: that of the certificate."
            ),
        ),
        migrations.AddField(
            model_name="remote",
            name="connect_timeout",
            field=models.PositiveSmallIntegerField(
                default=10,
                help_text="Seconds.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3600),
                ],
                verbose_name="time-out to connect",
            ),
        ),
        migrations.AddField(
            model_name="remote",
            name="deadline",
            field=models.PositiveIntegerField(
                default=0, help_text="Seconds that one file may take in all, tries and waits included. 0: no limit."
            ),
        ),
        migrations.AddField(
            model_name="remote",
            name="headers",
            field=models.TextField(
                blank=True,
                default="",
                help_text="Sent with each request, one a line: “Name: value”.",
                verbose_name="further headers",
            ),
        ),
        migrations.AddField(
            model_name="remote",
            name="least_speed",
            field=models.PositiveIntegerField(
                default=100,
                help_text="Bytes a second, over 30 seconds: an answer that drips more slowly is broken off. 0: no limit.",
            ),
        ),
        migrations.AddField(
            model_name="remote",
            name="password",
            field=models.TextField(blank=True, default="", help_text="For basic authentication."),
        ),
        migrations.AddField(
            model_name="remote",
            name="proxy_password",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="remote",
            name="proxy_url",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Such as http://proxy.example:3128. Empty: none.",
                max_length=2000,
                verbose_name="proxy",
            ),
        ),
        migrations.AddField(
            model_name="remote",
            name="proxy_username",
            field=models.CharField(blank=True, default="", max_length=200, verbose_name="proxy user name"),
        ),
        migrations.AddField(
            model_name="remote",
            name="rate_limit",
            field=models.PositiveBigIntegerField(
                default=0, help_text="Bytes a second that are taken from this upstream at most, by a job. 0: no limit."
            ),
        ),
        migrations.AddField(
            model_name="remote",
            name="read_timeout",
            field=models.PositiveSmallIntegerField(
                default=30,
                help_text="Seconds without a byte.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3600),
                ],
                verbose_name="time-out to read",
            ),
        ),
        migrations.AddField(
            model_name="remote",
            name="tls_verify",
            field=models.BooleanField(
                default=True, help_text="Off: anybody on the way may pass for the upstream.", verbose_name="verify TLS"
            ),
        ),
        migrations.AddField(
            model_name="remote",
            name="token",
            field=models.TextField(
                blank=True,
                default="",
                help_text="Sent as “Authorization: Bearer …” in place of a password.",
                verbose_name="bearer token",
            ),
        ),
        migrations.AddField(
            model_name="remote",
            name="tries",
            field=models.PositiveSmallIntegerField(
                default=4,
                help_text="How often a file is asked for before it has failed: 1 to 20.",
                validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(20)],
            ),
        ),
        migrations.AddField(
            model_name="remote",
            name="use_environment",
            field=models.BooleanField(
                default=False, help_text="Take proxies and logins from the server’s environment and ~/.netrc too."
            ),
        ),
        migrations.AddField(
            model_name="remote",
            name="user_agent",
            field=models.CharField(
                blank=True,
                default="",
                help_text="What we call ourselves. Empty: Millrace and its version.",
                max_length=200,
            ),
        ),
        migrations.AddField(
            model_name="remote",
            name="username",
            field=models.CharField(
                blank=True,
                default="",
                help_text="For basic authentication, with the password.",
                max_length=200,
                verbose_name="user name",
            ),
        ),
        migrations.AddField(
            model_name="repository",
            name="brake",
            field=models.PositiveSmallIntegerField(default=50),
        ),
        migrations.AlterField(
            model_name="progressreport",
            name="action",
            field=models.CharField(
                choices=[("sync", "Sync"), ("modify", "Modify"), ("publish", "Publish"), ("distribute", "Distribute")],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="remote",
            name="concurrency",
            field=models.PositiveSmallIntegerField(
                default=16,
                help_text="How many files are fetched at once: 1 to 100.",
                validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)],
            ),
        ),
        migrations.AlterField(
            model_name="remote",
            name="url",
            field=models.CharField(max_length=2000, verbose_name="URL"),
        ),
        migrations.AddField(
            model_name="requestedchange",
            name="artifact",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="repos.artifact"
            ),
        ),
        migrations.AddField(
            model_name="requestedchange",
            name="job",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="changes", to="repos.job"
            ),
        ),
    ]
