"""Where a worker finds evidence: the fetcher of its settings, and the log of what did not come."""

import os
from typing import Final
from urllib.parse import urlsplit

import structlog

from certs.fetching.fetcher import EvidenceFetcher, FetchFailure, Sources
from certs.revocation.crl_folder import CrlFolder
from certs.revocation.evidence_cache import SharedAnswers
from exchange.errors import SettingInvalid
from exchange.server.settings import Settings

_HOST_LETTERS: Final = 80
_log = structlog.get_logger("congvan.fetching")


def evidence_fetcher(settings: Settings) -> EvidenceFetcher:
    """Make the fetcher, for the time-stamping authority too; raises SettingInvalid."""
    section, tsa = settings.fetching, settings.timestamping.url
    if section.crls is not None and not section.crls.is_dir():
        raise SettingInvalid(f"fetching.crls: {section.crls}: no such folder")
    try:
        policy = section.policy(os.environ)
        policy = policy.allowing(tsa) if tsa else policy
    except ValueError as error:
        raise SettingInvalid(f"fetching: {error}") from None
    sources = Sources(
        folders=(CrlFolder(section.crls),) if section.crls is not None else (),
        shared=SharedAnswers(settings.evidence_cache) if section.cache else None,
    )
    return EvidenceFetcher(policy, sources=sources, on_failure=_tell)


def finds_evidence(settings: Settings) -> bool:
    """Whether there is anywhere to look for it."""
    return bool(settings.fetching.allowed) or settings.fetching.crls is not None


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "")[:_HOST_LETTERS]
    except ValueError:
        return ""


def _tell(failure: FetchFailure) -> None:
    # Neither the whole address nor the certificate: both may name a person.
    _log.warning(
        "evidence not obtained",
        kind=failure.request.kind,
        host=_host(failure.request.url),
        reason=failure.error.reason,
        detail=failure.error.detail,
    )
