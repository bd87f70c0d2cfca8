"""OCSP, CRL and CA certificates over HTTP: allow-listed, limited, cached, never redirected."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """How much an answer may cost. Bytes are counted while reading, as sent on the wire."""

    ocsp_bytes: int = 64 * 1024
    crl_bytes: int = 20 * 1024 * 1024
    certificate_bytes: int = 64 * 1024
    timestamp_bytes: int = 64 * 1024
    connect_seconds: float = 3.0
    total_seconds: float = 8.0
    """For one exchange, from the look-up of the name to the last byte."""
    gather_seconds: float = 15.0
    """For all requests of one gather() together."""
    requests_per_gather: int = 24
    concurrent_requests: int = 4
    cached_answers: int = 2048
    cached_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """Who may be asked. The default asks nobody.

    allowed holds (host, port) pairs, hosts in lower case, names and addresses as they stand in
    the URLs. A name is only connected to at public addresses; a private or loopback address must
    be listed itself, as a host of its own, to be reached.
    """

    allowed: frozenset[tuple[str, int]] = frozenset()
    limits: FetchLimits = field(default_factory=FetchLimits)
