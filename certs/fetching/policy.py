"""Who may be asked for evidence, by which way, and what it may cost (pure)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

from yarl import URL

from certs.errors import FetchRefused

MAX_URL_LETTERS: Final = 2048
ARROW: Final = "=>"
FROM_ENVIRONMENT: Final = "environment"
# RFC 4291 §2.4: what is not in here is no global unicast, whatever a library's lists say; 6to4
# (RFC 3056) and Teredo (RFC 4380) in it carry IPv4 addresses, inner ones too.
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")

Place = tuple[str, int]
"""Host in lower case, and port."""
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """How much an answer may cost. Bytes are counted while reading, as sent on the wire."""

    ocsp_bytes: int = 64 * 1024
    crl_bytes: int = 20 * 1024 * 1024
    certificate_bytes: int = 64 * 1024
    timestamp_bytes: int = 64 * 1024
    total_seconds: float = 8.0
    """For one exchange, from the look-up of the name to the last byte."""
    gather_seconds: float = 15.0
    """For all requests of one gather() together."""
    requests_per_gather: int = 24
    concurrent_requests: int = 4
    cached_answers: int = 2048
    cached_bytes: int = 64 * 1024 * 1024
    cached_seconds: float = 12 * 3600.0
    """An answer is kept until its nextUpdate, but no longer than this."""
    silent_seconds: float = 60.0
    """How long an address that gave no answer at all is not asked again by gather()."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """An address in certificates that is asked for elsewhere; the rest of the path is kept.

    source: a URL whose host and port must be the same, and whose path must be the first whole
    parts of the address's. target: a URL of scheme http. Some certificates name a host of a
    closed network (http://ocsp.ca.ptc) where others reach the same service by another name.
    """

    source: URL
    target: URL

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `http://ocsp.ca.ptc => http://ocsp.ca.gov.vn`; a bare host is http. ValueError."""
        source, arrow, target = (part.strip() for part in text.partition(ARROW))
        if not arrow:
            raise ValueError(f"{text!r}: FROM {ARROW} TO is needed")
        rewrite = cls(source=_plain_url(source), target=_plain_url(target))
        if rewrite.target.scheme != "http":
            raise ValueError(f"{target!r}: only http can be asked")
        return rewrite

    def applied(self, url: URL) -> URL | None:
        """Where to ask instead, None where the address is another one."""
        if (url.scheme, _place(url)) != (self.source.scheme, _place(self.source)):
            return None
        prefix, path = self.source.raw_path.rstrip("/"), url.raw_path
        if path != prefix and not path.startswith(f"{prefix}/"):
            return None
        moved = self.target.raw_path.rstrip("/") + path[len(prefix) :]
        return self.target.with_path(moved or "/", encoded=True).with_query(url.raw_query_string)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """Who may be asked. The default asks nobody.

    allowed holds (host, port) pairs, hosts in lower case, names and addresses as they stand in
    the URLs, after rewrites. A name is connected to only at public addresses; a private, loopback
    or link-local address must be listed itself, as a host of its own or by its network, to be
    reached. A network admits no address that stands in a URL.

    proxy: an HTTP proxy that all go through but those to the hosts of direct. Behind it only the
    allow-list holds: the proxy looks the names up and connects, so it must guard the addresses.
    """

    allowed: frozenset[Place] = frozenset()
    networks: frozenset[tuple[_Network, int]] = frozenset()
    rewrites: tuple[Rewrite, ...] = ()
    proxy: URL | None = None
    direct: frozenset[str] = frozenset()
    limits: FetchLimits = field(default_factory=FetchLimits)

    def __post_init__(self) -> None:
        if self.proxy is not None and (
            self.proxy.scheme != "http" or not self.proxy.host or self.proxy.user is not None
        ):
            # A password would have to come from a file; none of the proxies met asks for one.
            raise ValueError("the proxy must be http://host:port, without name and password")

    def admit(self, url: str) -> URL:
        """The URL to ask, rewritten, parsed once for checking and connecting.

        Raises FetchRefused.
        """
        if len(url) > MAX_URL_LETTERS:
            raise FetchRefused("the address is too long")
        try:
            parsed = self.rewritten(url)
            host, port = _place(parsed)
        except ValueError:
            raise FetchRefused("the address cannot be parsed") from None
        # Evidence is signed, so plain http loses nothing; https would need TLS anchors of its own.
        if parsed.scheme != "http":
            raise FetchRefused(f"the scheme {parsed.scheme[:20]!r} is not http")
        if parsed.user is not None or parsed.password is not None:
            raise FetchRefused("the address holds a user's name")
        if (host, port) not in self.allowed:
            raise FetchRefused(f"{host[:80]}:{port} is not in the allow-list")
        return parsed

    def rewritten(self, text: str) -> URL:
        """The address to ask instead of the one in the text; raises ValueError where it is none."""
        url = URL(text)
        # The most exact rule, once: a target is not looked at again, so that no rules go round.
        for rewrite in sorted(self.rewrites, key=lambda each: -len(each.source.raw_path)):
            if (moved := rewrite.applied(url)) is not None:
                return moved
        return url

    def allowing(self, url: str) -> FetchPolicy:
        """With the place that this address is asked for at; raises ValueError where it is none."""
        target = self.rewritten(url)
        return replace(self, allowed=self.allowed | {_place(target)})

    def proxy_for(self, url: URL) -> URL | None:
        """The proxy to ask by, None to connect directly."""
        return None if (url.host or "").lower() in self.direct else self.proxy

    def admits_address(self, address: str, port: int) -> bool:
        """Whether a name that is allowed may be connected to at this address."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return (
            _is_public(parsed)
            or (str(parsed), port) in self.allowed
            or any(port == known and parsed in network for network, known in self.networks)
        )


def parse_allowed(
    texts: Iterable[str],
) -> tuple[frozenset[Place], frozenset[tuple[_Network, int]]]:
    """Read `host:port`, and `10.0.0.0/8:80` for a network of addresses; raises ValueError."""
    places: set[Place] = set()
    networks: set[tuple[_Network, int]] = set()
    for text in texts:
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError(f"{text!r}: host:port is needed")
        host = host.strip("[]").lower()
        if "/" in host:
            networks.add((ipaddress.ip_network(host), int(port)))
        else:
            places.add((_as_in_urls(host), int(port)))
    return frozenset(places), frozenset(networks)


def _as_in_urls(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))  # 2402:800:0::1 is the host 2402:800::1 of a URL
    except ValueError:
        return host


def parse_policy(
    *,
    allowed: Iterable[str] = (),
    rewrites: Iterable[str] = (),
    proxy: str = "",
    direct: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
) -> FetchPolicy:
    """The policy of settings as people write them; raises ValueError saying which is wrong.

    environment: read only where proxy is the word "environment", and of it only http_proxy: a
    request to a web server sets HTTP_PROXY for the programs that it starts.
    """
    places, networks = parse_allowed(allowed)
    if proxy == FROM_ENVIRONMENT:
        proxy = (environment or {}).get("http_proxy", "")
    return FetchPolicy(
        allowed=places,
        networks=networks,
        rewrites=tuple(Rewrite.parse(each) for each in rewrites),
        proxy=_plain_url(proxy) if proxy else None,
        direct=frozenset(each.lower() for each in direct),
    )


def _place(url: URL) -> Place:
    return (url.host or "").lower(), url.port or 0


def _plain_url(text: str) -> URL:
    url = URL(text if "://" in text else f"http://{text}")
    if not url.host or url.user is not None or url.raw_query_string or url.raw_fragment:
        raise ValueError(f"{text!r} is no URL of a server")
    return url


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and (
        address not in _GLOBAL_UNICAST or address.sixtofour or address.teredo
    ):
        return False
    return address.is_global and not address.is_multicast
