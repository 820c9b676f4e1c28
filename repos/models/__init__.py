"""The nouns of the domain, one file each, in the order in which they depend on each other."""

# ruff: noqa: I001 - in this order, a file imports only those above it
from .remote import Remote
from .publish_settings import PublishSettings
from .repository import Repository, RepositoryVersion, SyncState
from .content import Artifact, Content, Damage
from .publication import Publication, PublishedMetadata
from .distribution import Distribution, Switch
from .token import AccessToken
from .worker import Worker
from .job import FailedFile, Job, ProgressReport, RequestedChange, Reservation

__all__ = [
    "AccessToken",
    "Artifact",
    "Content",
    "Damage",
    "Distribution",
    "FailedFile",
    "Job",
    "ProgressReport",
    "Publication",
    "PublishSettings",
    "PublishedMetadata",
    "Remote",
    "Repository",
    "RepositoryVersion",
    "RequestedChange",
    "Reservation",
    "Switch",
    "SyncState",
    "Worker",
]
