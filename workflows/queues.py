"""Task queues: what is urgent is kept clear of what is many."""

INCIDENT = "incident"
"""Incident workflows and the paging activities, nothing else."""

ROLES = "roles"
"""Role, repair and all other workflows."""

CHAT = "chat"
"""Posts, and everything slow or rate-limited."""

RECORDS = "records"
"""What is saved in the database: the snapshots, which must wait neither for Slack nor before a page."""

WATCH = "watch"
"""Activities that run for long and loop: the status stalk, waiting for an acknowledgement."""


def runner(environment: str) -> str:
    """Where the credentials of an environment are: its repair steps run there and nowhere else."""
    return f"runner.{environment}"
