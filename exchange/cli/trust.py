"""Whom a command trusts and what it may fetch: from its options, else from the profile."""

import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from certs.errors import FetchUnavailable
from certs.fetching.fetched import crl_der
from certs.fetching.fetcher import EvidenceFetcher, Sources
from certs.fetching.policy import FetchPolicy, parse_allowed, parse_policy
from certs.revocation.crl_folder import CrlFolder
from certs.revocation.evidence import RevocationEvidence
from certs.revocation.evidence_cache import SharedAnswers
from certs.trust.anchors import TrustStore
from certs.trust.files import load_trust_store
from exchange.cli.commands import Options, ProfileFile
from exchange.cli.errors import FileUnreadable, TrustMissing, UsageInvalid
from exchange.cli.files import read_file
from exchange.client.errors import ProfileInvalid, ProfileMissing
from exchange.client.profile import Profile, cache_directory
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
        "--crl",
        metavar="PATH",
        help="Tệp, thư mục CRL có sẵn · CRL at hand, or a folder of them; repeatable.",
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
    sources: Sources = field(default_factory=Sources)
    tsa: str = ""

    def fetcher(self, url: str = "") -> EvidenceFetcher:
        """What fetches evidence, and asks a service that the user named. Raises UsageInvalid."""
        return EvidenceFetcher(allowing(self.policy, url), sources=self.sources)

    def evidence_fetcher(self, *, online: bool = True) -> EvidenceFetcher | None:
        """What finds evidence for judging, None where there is nowhere to find any.

        Not online: only in the folders of CRLs.
        """
        if online and self.policy.allowed:
            return self.fetcher()
        if not self.sources.folders:
            return None
        return EvidenceFetcher(FetchPolicy(), sources=Sources(folders=self.sources.folders))


def trust_of(options: TrustOptions) -> Trust:
    """Gather whom to trust. Raises TrustMissing, TrustStoreInvalid, ProfileInvalid."""
    profile = known_profile(options)
    directory = options.trust or (profile.trust if profile else None)
    if directory is None:
        raise TrustMissing
    practice = options.practice or (profile is not None and profile.practice)
    at_hand = [*(options.crl or ()), *(profile.crls if profile else ())]
    folders = [path for path in at_hand if path.is_dir()]
    crls = tuple(_crl(path) for path in at_hand if path not in folders)
    cached = profile is None or profile.cache
    return Trust(
        store=load_trust_store(directory, allow_practice=practice),
        policy=_policy(options, profile),
        evidence=RevocationEvidence(ocsp_responses=(), crls=crls),
        sources=Sources(
            folders=tuple(CrlFolder(path) for path in folders),
            shared=SharedAnswers(cache_directory() / "evidence") if cached else None,
        ),
        tsa=profile.tsa if profile else "",
    )


def _policy(options: TrustOptions, profile: Profile | None) -> FetchPolicy:
    try:
        places, networks = parse_allowed(options.allow or ())
    except ValueError as error:
        raise UsageInvalid(str(error)) from None
    if profile is None:
        return FetchPolicy(allowed=places, networks=networks)
    try:
        known = parse_policy(
            allowed=profile.allowed,
            rewrites=profile.rewrites,
            proxy=profile.proxy,
            direct=profile.direct,
            environment=os.environ,
        )
    except ValueError as error:
        raise ProfileInvalid(f"{profile.path}: {error}") from None
    return replace(known, allowed=known.allowed | places, networks=known.networks | networks)


def _crl(path: Path) -> bytes:
    content = read_file(path, max_bytes=_MAX_CRL_BYTES)
    try:
        return crl_der(content)
    except FetchUnavailable:
        raise FileUnreadable(f"{path}: not a CRL") from None


def allowing(policy: FetchPolicy, url: str) -> FetchPolicy:
    """Allow the place of a service that the user named; "" changes nothing. Raises UsageInvalid."""
    if not url:
        return policy
    try:
        return policy.allowing(url)
    except ValueError as error:
        raise UsageInvalid(f"{url}: {error}") from error


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
