"""Paths that were accepted, remembered until something that they rest on ends (pure).

Only what `certs.paths.plain` accepts is remembered, and only as VALID. The key holds everything
that such a verdict rests on: the certificate, what was offered on the way up, the role, the trust
store's version and all evidence; new evidence is another key, so that word of a revocation is
judged like anything that was never seen. The instant is no part of it: a verdict holds from its own
instant until the first of its windows ends (`Accepted.until`), and other instants are judged anew.
What is remembered is public: certificates, and digests.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from certs.paths.plain import Accepted, accept_path
from certs.paths.plain_certificates import plain_certificate, plain_name
from certs.paths.validation import PathVerdict
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import AnchorRole, TrustStore

MAX_REMEMBERED: Final = 1024
"""Paths. Each holds a few kilobytes: evidence is named by its place, not kept."""

_LENGTH_BYTES: Final = 8

PathKey = tuple[bytes, AnchorRole, str]
"""A digest of certificates and evidence, the role, and the trust store's version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPath:
    """The verdict VALID on a path. key: the same for equal questions, whenever they are asked.

    certificates: the path's, DER, the end entity's first and the anchor's last.
    """

    verdict: PathVerdict
    key: PathKey
    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remembered:
    """A verdict without its evidence, and at which places of the evidence given that stood."""

    accepted: Accepted
    ocsp_responses: tuple[int, ...]
    crls: tuple[int, ...]

    def known(self, key: PathKey, evidence: RevocationEvidence, *, at: datetime) -> KnownPath:
        counted = RevocationEvidence(
            ocsp_responses=tuple(evidence.ocsp_responses[place] for place in self.ocsp_responses),
            crls=tuple(evidence.crls[place] for place in self.crls),
        )
        verdict = self.accepted.verdict
        return KnownPath(
            verdict=PathVerdict(
                status=verdict.status,
                at=at,
                chain=verdict.chain,
                anchor=verdict.anchor,
                evidence=counted,
            ),
            key=key,
            certificates=self.accepted.certificates,
        )


_known: OrderedDict[PathKey, _Remembered] = OrderedDict()
_lock = threading.Lock()


def known_path(
    certificate: bytes,
    *,
    intermediates: tuple[bytes, ...],
    store: TrustStore,
    role: AnchorRole,
    at: datetime,
    evidence: RevocationEvidence,
) -> KnownPath | None:
    """Return what `judge_path` gives for a VALID path, None where that is not certain.

    certificate, intermediates: DER.
    """
    key = (_digest(certificate, intermediates, evidence=evidence), role, store.version)
    with _lock:
        remembered = _known.get(key)
        if remembered is not None:
            _known.move_to_end(key)
    if remembered is not None:
        accepted = remembered.accepted
        if accepted.verdict.at <= at < accepted.until:
            return remembered.known(key, evidence, at=at)
    fresh = accept_path(
        certificate,
        intermediates=intermediates,
        store=store,
        role=role,
        at=at,
        evidence=evidence,
    )
    if fresh is None:
        return None
    return _remember(key, fresh, evidence=evidence).known(key, evidence, at=at)


def forget() -> None:
    """Forget all paths, and all certificates that were read on the way."""
    with _lock:
        _known.clear()
    plain_certificate.cache_clear()
    plain_name.cache_clear()


def _remember(key: PathKey, accepted: Accepted, *, evidence: RevocationEvidence) -> _Remembered:
    verdict = accepted.verdict
    counted = verdict.evidence
    remembered = _Remembered(
        accepted=replace(accepted, verdict=replace(verdict, evidence=RevocationEvidence())),
        ocsp_responses=tuple(map(evidence.ocsp_responses.index, counted.ocsp_responses)),
        crls=tuple(map(evidence.crls.index, counted.crls)),
    )
    with _lock:
        _known[key] = remembered
        _known.move_to_end(key)
        while len(_known) > MAX_REMEMBERED:
            _known.popitem(last=False)
    return remembered


def _digest(
    certificate: bytes, intermediates: tuple[bytes, ...], *, evidence: RevocationEvidence
) -> bytes:
    """Return a digest of everything given, each piece and each group with its length before it."""
    groups = (
        (certificate,),
        intermediates,
        evidence.certificates,
        evidence.ocsp_responses,
        evidence.crls,
    )
    pieces: list[bytes] = []
    for group in groups:
        pieces.append(len(group).to_bytes(_LENGTH_BYTES, "big"))
        for piece in group:
            pieces += (len(piece).to_bytes(_LENGTH_BYTES, "big"), piece)
    return hashlib.sha256(b"".join(pieces)).digest()
