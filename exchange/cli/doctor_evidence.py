"""The doctor's look at where evidence comes from: responders that answer, CRLs that are fresh."""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from cryptography import x509

from certs.errors import FetchFailed, FetchTooLarge, FetchUnavailable
from certs.fetching.fetcher import EvidenceFetcher
from certs.fetching.policy import Place
from certs.parsing import DAMAGE
from certs.revocation.crl_folder import CrlFolder, FolderCrl
from exchange.cli.doctor_findings import Finding, Result
from exchange.cli.errors import FileUnreadable
from exchange.cli.moments import local_time
from exchange.cli.trust import Trust, TrustOptions, now, trust_of

_PROBE_SECONDS: Final = 5.0
_PROBE_BYTES: Final = 64 * 1024
_NAME_LETTERS: Final = 120


async def responders(options: TrustOptions) -> list[Finding]:
    """Whether each place that may be asked gives any answer over HTTP, whatever it says."""
    trust = trust_of(options)
    if not trust.policy.allowed:
        alone = not trust.sources.folders and not trust.evidence.crls
        result = Result.WARN if alone else Result.OK
        return [
            Finding(check="fetching", result=result, reason="EVIDENCE_NOT_SET" if alone else "")
        ]
    async with trust.fetcher() as fetcher:
        places = sorted(trust.policy.allowed)
        return list(await asyncio.gather(*(_probed(fetcher, place) for place in places)))


async def _probed(fetcher: EvidenceFetcher, place: Place) -> Finding:
    host, port = place
    named = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    proxy = fetcher.policy.proxy
    by = (
        f" (proxy {proxy.host}:{proxy.port})" if proxy and host not in fetcher.policy.direct else ""
    )
    try:
        await fetcher.get(f"http://{named}/", max_bytes=_PROBE_BYTES, seconds=_PROBE_SECONDS)
    except FetchTooLarge:
        pass
    except FetchUnavailable as error:
        if error.silent:
            return _failed(f"{named}{by} · {error.detail}", error)
        # A responder has nothing to say to an empty question: that it says so is enough.
    except FetchFailed as error:
        return _failed(f"{named}{by} · {error.detail}", error)
    return Finding(check="fetching", result=Result.OK, detail=f"{named}{by}")


def _failed(detail: str, error: FetchFailed) -> Finding:
    return Finding(check="fetching", result=Result.FAIL, detail=detail, reason=error.reason)


async def lists(options: TrustOptions) -> list[Finding]:
    """Whether the CRLs at hand can be read, and the newest of each issuer is still fresh."""
    trust = trust_of(options)
    if not trust.sources.folders and not trust.evidence.crls:
        return []
    found = list(_unusable(trust.sources.folders))
    newest = _newest(trust)
    stale = [each for each, until in newest.items() if until is None or until < now()]
    for issuer in stale:
        until = newest[issuer]
        detail = f"{_named(issuer)} · {local_time(until) if until else '–'}"
        found.append(Finding(check="crls", result=Result.WARN, detail=detail, reason="CRL_STALE"))
    if not newest:
        found.append(Finding(check="crls", result=Result.WARN, reason="CRL_MISSING"))
    elif not stale:
        found.append(Finding(check="crls", result=Result.OK, detail=str(len(newest))))
    return found


def _newest(trust: Trust) -> dict[x509.Name, datetime | None]:
    """When the newest list of each issuer ends; nobody's signature is looked at."""
    ends = [(each.issuer, each.next_update) for each in _in_folders(trust)]
    for der in trust.evidence.crls:
        try:
            crl = x509.load_der_x509_crl(der)
            ends.append((crl.issuer, crl.next_update_utc))
        except DAMAGE:
            continue
    newest: dict[x509.Name, datetime | None] = {}
    for issuer, end in ends:
        known = newest.get(issuer)
        newest[issuer] = end if known is None else max(known, end or known)
    return newest


def _in_folders(trust: Trust) -> Iterator[FolderCrl]:
    for folder in trust.sources.folders:
        yield from folder.state().crls


def _named(name: x509.Name) -> str:
    return name.rfc4514_string()[:_NAME_LETTERS]


def _unusable(folders: Iterable[CrlFolder]) -> Iterator[Finding]:
    for folder in folders:
        try:
            state = folder.state()
        except OSError as error:
            raise FileUnreadable(f"{folder.path}: {error.strerror}") from error
        for path, why in state.unusable:
            yield Finding(
                check="crls",
                result=Result.WARN,
                detail=f"{path.name} · {why}",
                reason="CRL_UNREADABLE",
            )
