"""From a trusted list to trust anchors: which roles each service had, and in which windows (pure).

What the list says is taken narrowly. A service that was not granted, that does not say what for,
or that is narrowed in a way that is not evaluated here becomes no anchor, and is named with the
reason. The last window ends with the list's NextUpdate: whoever does not fetch the next list does
not go on trusting what may have been withdrawn since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from cryptography import x509

from certs.algorithms import certificate_weakness
from certs.errors import TrustStoreInvalid
from certs.trust.anchor_rules import refusal_of
from certs.trust.anchors import AnchorClass, AnchorRole, Block, TrustAnchor, is_practice
from certs.trusted_lists.lists import ListedService, ServiceState, TrustedList

_BASE: Final = "http://uri.etsi.org/TrstSvc/"
CA_QC: Final = f"{_BASE}Svctype/CA/QC"
QTST: Final = f"{_BASE}Svctype/TSA/QTST"
GRANTED: Final = f"{_BASE}TrustedList/Svcstatus/granted"
_BEFORE_EIDAS: Final = frozenset(
    f"{_BASE}TrustedList/Svcstatus/{word}"
    for word in ("undersupervision", "supervisionincessation", "accredited")
)
"""Statuses of Directive 1999/93/EC, under which qualified certificates were for signatures only."""
_EIDAS_APPLIES: Final = datetime(2016, 6, 30, 22, tzinfo=UTC)
_PURPOSES: Final[Mapping[str, AnchorRole]] = {
    f"{_BASE}TrustedList/SvcInfoExt/ForeSignatures": AnchorRole.SIGNER,
    f"{_BASE}TrustedList/SvcInfoExt/ForeSeals": AnchorRole.SEAL,
}
_INSTANT: Final = timedelta(microseconds=1)
_ISSUERS: Final = frozenset({AnchorRole.SIGNER, AnchorRole.SEAL})


class ServiceSkip(StrEnum):
    """Why a service of a trusted list becomes no trust anchor."""

    DAMAGED = "DAMAGED"
    """it has no readable certificate of one key, or a disordered history"""
    OTHER_KIND = "OTHER_KIND"
    """a service of another kind: no qualified certificates, no qualified time-stamps"""
    NEVER_GRANTED = "NEVER_GRANTED"
    """it was never granted"""
    PURPOSE_MISSING = "PURPOSE_MISSING"
    """it does not say that it is for signatures or for seals"""
    NARROWED = "NARROWED"
    """it is narrowed by an extension that is not evaluated here"""
    CONTRADICTED = "CONTRADICTED"
    """the list says something else about the same certificate in another place"""
    CERTIFICATE_REFUSED = "CERTIFICATE_REFUSED"
    """its certificate is weak, no authority's, expired before, or the practice authority's"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A service that becomes no anchor, and why."""

    provider: str
    name: str
    reason: ServiceSkip
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """When a role was granted: from the first to the last instant."""

    start: datetime
    end: datetime


def anchors_of(
    listed: TrustedList, *, blocks: frozenset[Block], anchor_class: AnchorClass
) -> tuple[tuple[TrustAnchor, ...], tuple[Skipped, ...]]:
    """The anchors that the list gives, and the services that give none."""
    skipped: list[Skipped] = []
    by_certificate: dict[bytes, list[ListedService]] = defaultdict(list)
    for service in listed.services:
        if (problem := _problem(service)) is not None:
            skipped.append(_skipped(service, problem, detail=service.damage))
        # What a place says of a certificate counts also where it grants nothing.
        for der in service.certificates:
            by_certificate[der].append(service)
    anchors: list[TrustAnchor] = []
    for der, services in by_certificate.items():
        roles: dict[Window, set[AnchorRole]] = defaultdict(set)
        for role in sorted({role for service in services for role in _spoken_of(service)}):
            granted, denied = _windows(services, role, until=listed.next_update_at)
            if any(
                one.start <= other.end and other.start <= one.end
                for one in granted
                for other in denied
            ):
                skipped += [
                    _skipped(each, ServiceSkip.CONTRADICTED, detail=role) for each in services
                ]
                continue
            for window in granted:
                roles[window].add(role)
        made, problems = _anchors(der, roles, blocks=blocks, anchor_class=anchor_class)
        anchors += made
        skipped += [
            _skipped(each, ServiceSkip.CERTIFICATE_REFUSED, detail=detail)
            for detail in problems
            for each in services
        ]
    return tuple(anchors), tuple(dict.fromkeys(skipped))


def _skipped(service: ListedService, reason: ServiceSkip, *, detail: str) -> Skipped:
    return Skipped(provider=service.provider, name=service.name, reason=reason, detail=detail)


def _problem(service: ListedService) -> ServiceSkip | None:
    if service.damage:
        return ServiceSkip.DAMAGED
    if any(_roles(state) for state in service.states):
        return None
    mapped = [each for each in service.states if each.kind in {CA_QC, QTST}]
    granted = [each for each in mapped if each.status == GRANTED or each.status in _BEFORE_EIDAS]
    if not mapped:
        return ServiceSkip.OTHER_KIND
    if not granted:
        return ServiceSkip.NEVER_GRANTED
    if not any(each.understood for each in granted):
        return ServiceSkip.NARROWED
    return ServiceSkip.PURPOSE_MISSING


def _spoken_of(service: ListedService) -> frozenset[AnchorRole]:
    """The roles on which the service has something to say, be it that they are not granted."""
    return frozenset(role for state in service.states for role in _about(state))


def _about(state: ServiceState) -> Iterable[AnchorRole]:
    if state.kind == QTST:
        return (AnchorRole.TSA,)
    if state.kind != CA_QC:
        return ()
    if state.status in _BEFORE_EIDAS:
        return (AnchorRole.SIGNER,)
    named = [_PURPOSES[uri] for uri in state.purposes if uri in _PURPOSES]
    # One that was withdrawn without saying what for was withdrawn for everything.
    return named if named or state.status == GRANTED else _ISSUERS


def _roles(state: ServiceState) -> Iterable[AnchorRole]:
    """The roles that the state grants (§5.5.1, §5.5.4)."""
    if not state.understood or (state.status != GRANTED and state.status not in _BEFORE_EIDAS):
        return ()
    return _about(state) if state.kind == CA_QC or state.status == GRANTED else ()


def _windows(
    services: Iterable[ListedService], role: AnchorRole, *, until: datetime
) -> tuple[list[Window], list[Window]]:
    """When the role was granted, and when it was spoken of and not granted, in any place."""
    granted: list[Window] = []
    denied: list[Window] = []
    for service in services:
        # Each state lasts until the next one begins.
        ends = [*(each.since - _INSTANT for each in service.states[1:]), until]
        for state, last in zip(service.states, ends, strict=True):
            end = min(last, _EIDAS_APPLIES) if state.status in _BEFORE_EIDAS else last
            if state.since < end and role in _about(state):
                places = granted if role in _roles(state) else denied
                places.append(Window(state.since, end))
    return _joined(granted), denied


def _joined(windows: Iterable[Window]) -> list[Window]:
    joined: list[Window] = []
    for window in sorted(windows, key=lambda each: each.start):
        if joined and window.start <= joined[-1].end + _INSTANT:
            joined[-1] = Window(joined[-1].start, max(joined[-1].end, window.end))
        else:
            joined.append(window)
    return joined


def _anchors(
    der: bytes,
    roles: Mapping[Window, set[AnchorRole]],
    *,
    blocks: frozenset[Block],
    anchor_class: AnchorClass,
) -> tuple[list[TrustAnchor], list[str]]:
    certificate = x509.load_der_x509_certificate(der)
    problems = dict.fromkeys(_weaknesses(certificate))
    if problems:
        return [], list(problems) if roles else []
    made: list[TrustAnchor] = []
    for window in sorted(roles, key=lambda each: each.start):
        start = max(window.start, certificate.not_valid_before_utc)
        end = min(window.end, certificate.not_valid_after_utc)
        if start >= end:
            problems["the certificate was not valid while it was granted"] = None
            continue
        try:
            anchor = TrustAnchor(
                certificate=certificate,
                roles=frozenset(roles[window]),
                blocks=blocks,
                valid_from=start,
                valid_until=end,
                anchor_class=anchor_class,
            )
        except TrustStoreInvalid as error:
            problems[error.detail] = None
            continue
        # The list itself vouches for intermediates, and for the past. A time-stamping unit may be
        # listed by its own certificate, which is no authority's.
        refusal = refusal_of(anchor, at=start, intermediate=True, past=True)
        if refusal is not None and anchor.roles & _ISSUERS:
            problems[refusal] = None
            continue
        made.append(anchor)
    return made, list(problems)


def _weaknesses(certificate: x509.Certificate) -> Iterator[str]:
    if is_practice(certificate):
        yield "the practice authority's"
    if weakness := certificate_weakness(certificate, self_signed=True):
        yield weakness
