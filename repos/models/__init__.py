"""The nouns of the domain, one file each, in the order in which they depend on each other."""

# ruff: noqa: I001 - in this order, a file imports only those above it
from .remote import Remote
from .publish_settings import PublishSettings
from .repository import Repository, RepositoryVersion, SyncState
from .content import Artifact, Content, Damage, StorageDay
from .publication import Publication, PublishedMetadata
from .distribution import Distribution, Switch
from .token import AccessToken
from .worker import Worker
from .job import Job
from .request import RequestedChange, Reservation
from .report import DryRun, FailedFile, LogLine, ProgressReport

__all__ = [
    "AccessToken",
    "Artifact",
    "Content",
    "Damage",
    "Distribution",
    "DryRun",
    "FailedFile",
    "Job",
    "LogLine",
    "ProgressReport",
    "Publication",
    "PublishSettings",
    "PublishedMetadata",
    "Remote",
    "Repository",
    "RepositoryVersion",
    "RequestedChange",
    "Reservation",
    "StorageDay",
    "Switch",
    "SyncState",
    "Worker",
]
