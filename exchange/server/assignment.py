"""What the supervisor tells a worker process when it starts it. Pure."""

from dataclasses import dataclass, field

from exchange.server.settings import Settings

DRAIN_SECONDS = 30
"""How long calls under way may take to end after the worker was told to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """The settings, the database's address, and the port that all workers share."""

    settings: Settings
    dsn: str = field(repr=False)
    port: int
