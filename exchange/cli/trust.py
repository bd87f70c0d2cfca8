"""Whom a command trusts and what it may fetch: from its options, else from the profile."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from certs.anchors import TrustStore
from certs.fetching import FetchPolicy
from certs.revocation import RevocationEvidence
from certs.trust_files import load_trust_store
from exchange.cli.commands import Options, ProfileFile
from exchange.cli.errors import TrustMissing, UsageInvalid
from exchange.cli.files import read_file
from exchange.client.errors import ProfileMissing
from exchange.client.profile import Profile
from exchange.client.profile_layers import layered_profile

_MAX_CRL_BYTES = 64 * 1024 * 1024

TrustDirectory = Annotated[
    Path | None,
    typer.Option("--trust", metavar="DIR", help="Thư mục tin cậy · Directory of trust anchors."),
]
Practice = Annotated[
    bool,
    typer.Option("--practice", help="Chấp nhận chứng thư THỰC HÀNH · Accept practice anchors."),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="HOST:PORT",
        help="Nơi được phép lấy OCSP, CRL · Where evidence may be fetched from; repeatable.",
    ),
]
CrlFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--crl", metavar="FILE", help="Tệp CRL có sẵn · CRL file at hand (DER); repeatable."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustOptions(Options):
    """What every command takes that judges certificates on this machine."""

    profile: ProfileFile = None
    trust: TrustDirectory = None
    practice: Practice = False
    allow: Allow = None
    crl: CrlFiles = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The trust store, what may be fetched, evidence at hand, and the profile's TSA or ""."""

    store: TrustStore
    policy: FetchPolicy
    evidence: RevocationEvidence
    tsa: str = ""


def trust_of(options: TrustOptions) -> Trust:
    """Gather whom to trust. Raises TrustMissing, TrustStoreInvalid, ProfileInvalid."""
    profile = known_profile(options)
    directory = options.trust or (profile.trust if profile else None)
    if directory is None:
        raise TrustMissing
    practice = options.practice or (profile is not None and profile.practice)
    addresses = [*(options.allow or ()), *(profile.allowed if profile else ())]
    at_hand = [*(options.crl or ()), *(profile.crls if profile else ())]
    crls = tuple(read_file(path, max_bytes=_MAX_CRL_BYTES) for path in at_hand)
    return Trust(
        store=load_trust_store(directory, allow_practice=practice),
        policy=FetchPolicy(allowed=frozenset(parse_address(each) for each in addresses)),
        evidence=RevocationEvidence(ocsp_responses=(), crls=crls),
        tsa=profile.tsa if profile else "",
    )


def parse_address(text: str) -> tuple[str, int]:
    """Read `host:port`; raises UsageInvalid."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageInvalid(f"{text!r}: host:port is needed")
    return host.strip("[]").lower(), int(port)


def allowing(policy: FetchPolicy, url: str) -> FetchPolicy:
    """Allow the host of a service that the user named; "" changes nothing. Raises UsageInvalid."""
    if not url:
        return policy
    try:
        parts = urlsplit(url)
        port = parts.port or 80
    except ValueError as error:
        raise UsageInvalid(f"{url}: {error}") from error
    allowed = policy.allowed | {((parts.hostname or "").lower(), port)}
    return replace(policy, allowed=allowed)


def now() -> datetime:
    """The command line's clock: aware UTC."""
    return datetime.now(UTC)


def known_profile(options: TrustOptions) -> Profile | None:
    """Give the profile, None where there is none. Raises ProfileMissing for one that was named."""
    try:
        return layered_profile(options.profile).profile
    except ProfileMissing:
        # Without a profile the options can say everything; one that was named must be there.
        if options.profile is not None:
            raise
        return None
