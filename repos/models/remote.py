"""An upstream, and how it is read and reached."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

# The fields that hold sealed text, and with what every such text begins.
_SECRETS = ("password", "token", "headers", "client_key", "proxy_password")
_SEALED = "gAAAAA"


class RemoteQuerySet(models.QuerySet["Remote"]):
    def for_list(self) -> "RemoteQuerySet":
        """By name, each with how many repositories use it (`used_by`)."""
        return self.annotate(used_by=models.Count("repositories")).order_by("name")


class Remote(models.Model):
    """An upstream: its URL, the kind of source behind it, when its files are fetched, and how it is reached.

    What is secret is stored sealed only (see repos/vault.py); empty: there is none. Times are in seconds, speeds in
    bytes a second; 0 stands for no limit where the text of the field says so.
    """

    class Kind(models.TextChoices):
        MANIFEST = "manifest", "PULP_MANIFEST"

    class Policy(models.TextChoices):
        IMMEDIATE = "immediate", "at sync"

    # Sealed text: shown nowhere, changed by repos/remotes.py, sealed anew when keys are rotated.
    SECRETS = _SECRETS

    name = models.CharField(max_length=200, unique=True)
    url = models.CharField(_("URL"), max_length=2000)
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.MANIFEST)
    policy = models.CharField(max_length=20, choices=Policy, default=Policy.IMMEDIATE)
    created_at = models.DateTimeField(auto_now_add=True)

    # Who we are there.
    username = models.CharField(
        _("user name"),
        max_length=200,
        default="",
        blank=True,
        help_text=_("For basic authentication, with the password."),
    )
    password = models.TextField(default="", blank=True, help_text=_("For basic authentication."))
    token = models.TextField(
        _("bearer token"),
        default="",
        blank=True,
        help_text=_("Sent as “Authorization: Bearer …” in place of a password."),
    )
    headers = models.TextField(
        _("further headers"), default="", blank=True, help_text=_("Sent with each request, one a line: “Name: value”.")
    )
    user_agent = models.CharField(
        max_length=200, default="", blank=True, help_text=_("What we call ourselves. Empty: Millrace and its version.")
    )

    # TLS. Certificates and keys are PEM.
    tls_verify = models.BooleanField(
        _("verify TLS"), default=True, help_text=_("Off: anybody on the way may pass for the upstream.")
    )
    ca_certificate = models.TextField(
        _("CA certificates"),
        default="",
        blank=True,
        help_text=_("PEM. Trusted for this upstream in place of the usual authorities."),
    )
    client_certificate = models.TextField(
        default="", blank=True, help_text=_("PEM, with its chain: for upstreams that ask for one.")
    )
    client_key = models.TextField(
        default="", blank=True, help_text=_("PEM, without a passphrase: that of the certificate.")
    )

    # The way there.
    proxy_url = models.CharField(
        _("proxy"),
        max_length=2000,
        default="",
        blank=True,
        help_text=_("Such as http://proxy.example:3128. Empty: none."),
    )
    proxy_username = models.CharField(_("proxy user name"), max_length=200, default="", blank=True)
    proxy_password = models.TextField(default="", blank=True)
    use_environment = models.BooleanField(
        default=False, help_text=_("Take proxies and logins from the server’s environment and ~/.netrc too.")
    )

    # Limits.
    concurrency = models.PositiveSmallIntegerField(
        default=16,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("How many files are fetched at once: 1 to 100."),
    )
    tries = models.PositiveSmallIntegerField(
        default=4,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text=_("How often a file is asked for before it has failed: 1 to 20."),
    )
    connect_timeout = models.PositiveSmallIntegerField(
        _("time-out to connect"),
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(3600)],
        help_text=_("Seconds."),
    )
    read_timeout = models.PositiveSmallIntegerField(
        _("time-out to read"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(3600)],
        help_text=_("Seconds without a byte."),
    )
    least_speed = models.PositiveIntegerField(
        default=100,
        help_text=_("Bytes a second, over 30 seconds: an answer that drips more slowly is broken off. 0: no limit."),
    )
    deadline = models.PositiveIntegerField(
        default=0, help_text=_("Seconds that one file may take in all, tries and waits included. 0: no limit.")
    )
    rate_limit = models.PositiveBigIntegerField(
        default=0, help_text=_("Bytes a second that are taken from this upstream at most, by a job. 0: no limit.")
    )

    objects = RemoteQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(name="remote_has_name", condition=~Q(name="")),
            models.CheckConstraint(name="remote_url_is_http", condition=Q(url__istartswith="http")),
            models.CheckConstraint(name="remote_kind_is_known", condition=Q(kind__in=["manifest"])),
            models.CheckConstraint(name="remote_policy_is_known", condition=Q(policy__in=["immediate"])),
            models.CheckConstraint(
                name="remote_concurrency_in_range", condition=Q(concurrency__gte=1, concurrency__lte=100)
            ),
            models.CheckConstraint(name="remote_tries_in_range", condition=Q(tries__gte=1, tries__lte=20)),
            models.CheckConstraint(
                name="remote_waits_some_time", condition=Q(connect_timeout__gte=1, read_timeout__gte=1)
            ),
            # Nobody can store a secret as it is.
            *(
                models.CheckConstraint(
                    name=f"remote_{field}_is_sealed",
                    condition=Q(**{field: ""}) | Q(**{f"{field}__startswith": _SEALED}),
                )
                for field in _SECRETS
            ),
            models.CheckConstraint(
                name="remote_one_kind_of_login", condition=Q(token="") | Q(username="", password="")
            ),
            models.CheckConstraint(
                name="remote_key_has_certificate", condition=Q(client_key="") | ~Q(client_certificate="")
            ),
        ]

    def __str__(self) -> str:
        return self.name
