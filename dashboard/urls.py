"""Addresses: one verb each. Names with a dash are live fragments and deeds; the others are pages."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from .views import jobs, overview, repositories, status
from .views.accounts import SignIn

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("running/", overview.running, name="overview-running"),
    path("repositories/create/", repositories.make, name="repository-create"),
    path("repositories/<int:pk>/", repositories.detail, name="repository"),
    path("repositories/<int:pk>/running/", repositories.running, name="repository-running"),
    path("repositories/<int:pk>/run/", repositories.run, name="repository-run"),
    path("jobs/", jobs.index, name="jobs"),
    path("jobs/table/", jobs.table, name="jobs-table"),
    path("jobs/<int:pk>/", jobs.detail, name="job"),
    path("jobs/<int:pk>/panel/", jobs.panel, name="job-panel"),
    path("jobs/<int:pk>/cancel/", jobs.cancel, name="job-cancel"),
    path("jobs/<int:pk>/again/", jobs.again, name="job-again"),
    path("login/", SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("healthz", status.healthz, name="healthz"),
    path("status.json", status.status, name="status"),
]
