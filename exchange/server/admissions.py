"""Who was let in a moment ago, so that a busy caller costs one look at the registry a second.

Nobody stays in for having been in: each change of the registry on this machine ends all of it at
once, for every worker, before the change is answered; a change made on another machine is seen
within MAX_AGE_SECONDS.
"""

import mmap
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exchange.agency import Endpoint

MAX_AGE_SECONDS: Final = 1.0
MAX_ADMISSIONS: Final = 10_000
_TOKEN_BYTES: Final = 16

Presented = tuple[tuple[bytes, ...], tuple[bytes, ...]]
"""All that identity is made of: the URI names and the certificates of the transport."""


@dataclass(frozen=True, slots=True)
class _Admission:
    endpoint: Endpoint
    state: bytes
    admitted_at: float


class Admissions:
    """Endpoints by what their clients presented, as long as the registry has not changed."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Share the registry's state with the other workers of this machine through a file.

        clock: seconds that only grow.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, _TOKEN_BYTES)
            self._shared = mmap.mmap(descriptor, _TOKEN_BYTES)
        finally:
            os.close(descriptor)
        self._clock = clock
        self._known: dict[Presented, _Admission] = {}

    @property
    def state(self) -> bytes:
        """What stands for the registry as it is: to be read before the registry is."""
        return self._shared[:]

    def find(self, presented: Presented) -> Endpoint | None:
        """Give the endpoint that was found for these names and certificates just now."""
        known = self._known.get(presented)
        if known is None:
            return None
        fresh = self._clock() - known.admitted_at <= MAX_AGE_SECONDS
        return known.endpoint if fresh and known.state == self.state else None

    def remember(self, presented: Presented, endpoint: Endpoint, *, state: bytes) -> None:
        """Keep what the registry said when its state was `state`."""
        if len(self._known) >= MAX_ADMISSIONS:
            self._known.clear()
        self._known[presented] = _Admission(endpoint, state, self._clock())

    def end_all(self) -> None:
        """Let everybody on this machine be looked up anew."""
        # Random, not counted: two changes at once must not give the same state.
        self._shared[:] = os.urandom(_TOKEN_BYTES)
