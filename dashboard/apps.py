from django.apps import AppConfig
from django.contrib.admin import apps as admin


class DashboardConfig(AppConfig):
    name = "dashboard"
    default = True


class MillraceAdminConfig(admin.SimpleAdminConfig):
    """Simple: its models are registered where its addresses are (dashboard/urls.py), so that workers need not."""

    default_site = "dashboard.admin.staff.MillraceSite"
    default = False
