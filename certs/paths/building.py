"""Candidate paths from a certificate to an anchor, with bounded work (RFC 5280 §6.1, RFC 4158).

Every step up is proved by the signature before the next is tried, so names alone lead nowhere, and
loops or a thicket of cross-signed certificates end at the budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptography import x509

from certs.algorithms import key_weakness
from certs.parsing import DAMAGE
from certs.trust.anchors import TrustAnchor

MAX_DEPTH = 8
"""Certificates in a path, the end entity's included and the anchor's not."""
MAX_INTERMEDIATES = 64
MAX_VERIFICATIONS = 128
MAX_PATHS = 8


@dataclass(frozen=True, slots=True)
class CandidatePath:
    """A chain of proved signatures: the end entity first, then its issuers, below the anchor."""

    chain: tuple[x509.Certificate, ...]
    anchor: TrustAnchor

    @property
    def pairs(self) -> Iterator[tuple[x509.Certificate, x509.Certificate]]:
        """Each certificate that is not the anchor with its issuer, the end entity first."""
        above = (*self.chain[1:], self.anchor.certificate)
        return zip(self.chain, above, strict=True)


class _Budget:
    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_VERIFICATIONS

    def spend(self) -> bool:
        self.left -= 1
        return self.left >= 0


def candidate_paths(
    certificate: x509.Certificate,
    intermediates: Sequence[x509.Certificate],
    *,
    anchors: Sequence[TrustAnchor],
) -> Iterator[CandidatePath]:
    """Up to MAX_PATHS candidates, shortest way up first; none when nothing leads to an anchor.

    A certificate that is itself an anchor gives the path of itself alone, which has no pairs
    above it: it is trusted by decision.
    """
    for anchor in anchors:
        if anchor.certificate == certificate:
            yield CandidatePath((), anchor)
            return
    budget = _Budget()
    bag = list(dict.fromkeys(intermediates))[:MAX_INTERMEDIATES]
    found = _ascend((certificate,), bag, anchors=anchors, budget=budget)
    for _, path in zip(range(MAX_PATHS), found, strict=False):
        yield path


def _ascend(
    chain: tuple[x509.Certificate, ...],
    bag: Sequence[x509.Certificate],
    *,
    anchors: Sequence[TrustAnchor],
    budget: _Budget,
) -> Iterator[CandidatePath]:
    top = chain[-1]
    for anchor in anchors:
        if _issued(anchor.certificate, top, budget=budget):
            yield CandidatePath(chain, anchor)
    if len(chain) == MAX_DEPTH:
        return
    anchored = {anchor.certificate for anchor in anchors}
    for issuer in bag:
        # RFC 4158 §2.4.2: the same name and key twice in a path is a loop.
        if issuer in anchored or issuer in chain:
            continue
        if _issued(issuer, top, budget=budget):
            yield from _ascend((*chain, issuer), bag, anchors=anchors, budget=budget)


def _issued(issuer: x509.Certificate, certificate: x509.Certificate, *, budget: _Budget) -> bool:
    try:
        if issuer.subject != certificate.issuer or not budget.spend():
            return False
        # A huge key must not buy a slow verification.
        if key_weakness(issuer.public_key()):
            return False
        certificate.verify_directly_issued_by(issuer)
    except DAMAGE:
        return False
    return True
