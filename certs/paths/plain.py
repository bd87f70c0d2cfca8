"""The quick judgement of plain paths: it accepts what the full one does, or nothing (pure).

`certs.paths.validation` asks pyhanko-certvalidator after its own judgement, which takes most of the
time. Here that second opinion is certain beforehand: nothing appears in the path or the evidence
that the library would judge by a rule that is not applied here too. What it checks, and where that
is done (RFC 5280 §6.1; `tests/certs/test_plain_paths.py` holds it on thousands of random hostile
paths):

- §6.1.2, initial values: no policies wanted, none inhibited, all names permitted, as here.
- §6.1.3 (a)(1), signature and algorithm: `require_issued`; SHA-2 with RSA from 2048 bits or ECDSA,
  by `plain_certificate`, in a form that both parsers read.
- (a)(2), validity: here, without the library's tolerance.
- (a)(3), revocation: `_require_not_revoked`, by what the certificate declares, as the library does
  (OCSP first; a CRL where that says nothing); what is asked of evidence is in `plain_evidence`.
- (a)(4), names: `require_issued`, byte by byte, and the key identifiers by which the library finds
  issuers.
- (b), (c), (g), name constraints: none, and no alternative names. (d) to (f), (h) to (j), policies:
  names of them only; without constraints the library asks for none, so any are right.
- §6.1.4 (k) to (n), CA, path length, key usage: `_require_authorities`.
- §6.1.4 (o), §6.1.5 (f), critical extensions: only those that are known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.der_reading import Unusual
from certs.parsing import DAMAGE
from certs.paths.plain_certificates import (
    PlainCertificate,
    folded,
    plain_certificate,
    read_certificate,
)
from certs.paths.plain_evidence import (
    PlainAnswer,
    PlainList,
    plain_answer,
    plain_list,
    require_good,
    require_issued,
    require_unlisted,
)
from certs.paths.usage import unsuitability
from certs.paths.validation import PathStatus, PathVerdict
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import AnchorRole, TrustAnchor, TrustStore

MAX_DEPTH: Final = 5
"""Certificates in a path, the end entity's included and the anchor's not."""
MAX_INTERMEDIATES: Final = 8
MAX_ITEMS: Final = 16
"""Pieces of evidence, of each kind."""
KEPT_ANCHORS: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A path that was accepted, and before which instant it would be accepted again.

    Nothing that the verdict rests on begins, ends or changes between its instant and that one.
    certificates: the path's, DER, the end entity's first and the anchor's last.
    """

    verdict: PathVerdict
    certificates: tuple[bytes, ...]
    until: datetime


class _Anchor(NamedTuple):
    """An anchor of the trust store with its certificate as it was read, None if not plain."""

    anchor: TrustAnchor
    der: bytes
    plain: PlainCertificate | None


def accept_path(
    certificate: bytes,
    *,
    intermediates: Sequence[bytes],
    store: TrustStore,
    role: AnchorRole,
    at: datetime,
    evidence: RevocationEvidence,
) -> Accepted | None:
    """Return the verdict VALID that `judge_path` gives, None where that is not certain.

    certificate, intermediates: DER.
    """
    try:
        anchors = [_read(each) for each in store.anchors_for(role, at=at)]
        bag = _bag((*intermediates, *evidence.certificates), anchors=anchors)
        chain, top = _ascend(plain_certificate(certificate), bag, anchors=anchors)
        if top.plain is None:
            raise Unusual("an anchor that is not plain")
        path = (*chain, top.plain)
        ends = [each.not_after for each in chain]
        if not all(each.not_before <= at <= each.not_after for each in chain):
            raise Unusual("out of its time")
        _require_authorities(path)
        if unsuitability(chain[0].certificate, role):
            raise Unusual("unsuitable")
        counted, evidence_ends = _require_not_revoked(path, evidence, at=at)
    except (Unusual, *DAMAGE):
        return None
    # An anchor that begins to be trusted, or ends, may change which path is found first.
    edges = [edge for each in store.anchors for edge in (each.valid_from, each.valid_until)]
    verdict = PathVerdict(
        status=PathStatus.VALID,
        at=at,
        chain=tuple(each.certificate for each in chain),
        anchor=top.anchor,
        evidence=counted,
    )
    until = min([*ends, *evidence_ends, *(edge for edge in edges if edge > at)])
    return Accepted(verdict=verdict, certificates=tuple(each.der for each in path), until=until)


def _read(anchor: TrustAnchor) -> _Anchor:
    der, plain = _anchored(anchor.certificate)
    return _Anchor(anchor, der, plain)


# Part of the trust store as it was loaded: these come with no document.
@lru_cache(maxsize=KEPT_ANCHORS)
def _anchored(certificate: x509.Certificate) -> tuple[bytes, PlainCertificate | None]:
    der = certificate.public_bytes(Encoding.DER)
    try:
        return der, read_certificate(der)
    except Unusual:
        return der, None


def _bag(offered: Sequence[bytes], *, anchors: Sequence[_Anchor]) -> tuple[PlainCertificate, ...]:
    """Return the certificates that may be on the way up, each once, in the order given."""
    anchored = {each.der for each in anchors}
    bag = [each for each in dict.fromkeys(offered) if each not in anchored]
    if len(bag) > MAX_INTERMEDIATES:
        raise Unusual("many certificates")
    return tuple(map(plain_certificate, bag))


def _ascend(
    leaf: PlainCertificate, bag: tuple[PlainCertificate, ...], *, anchors: Sequence[_Anchor]
) -> tuple[tuple[PlainCertificate, ...], _Anchor]:
    """Return the chain to an anchor where names leave only one way up."""
    if any(each.der == leaf.der for each in anchors):
        raise Unusual("an anchor itself")
    chain: tuple[PlainCertificate, ...] = (leaf,)
    while len(chain) <= MAX_DEPTH:
        top = chain[-1]
        above = [each for each in bag if each.subject_name == top.issuer_name]
        trusted = [each for each in anchors if _is_named(each, top)]
        if len(above) + len({each.der for each in trusted}) != 1:
            raise Unusual("no way up, or several")
        if trusted:
            if trusted[0].plain is None:
                raise Unusual("an anchor that is not plain")
            require_issued(top, trusted[0].plain)
            return chain, trusted[0]
        if above[0] in chain:
            raise Unusual("a circle")
        require_issued(top, above[0])
        chain = (*chain, above[0])
    raise Unusual("a long way up")


def _is_named(anchor: _Anchor, certificate: PlainCertificate) -> bool:
    """Whether the certificate names the anchor as its issuer, however the anchor's name is made."""
    if anchor.plain is not None:
        return anchor.plain.subject_name == certificate.issuer_name
    return anchor.anchor.certificate.subject == certificate.certificate.issuer


def _require_authorities(path: tuple[PlainCertificate, ...]) -> None:
    """Require what RFC 5280 §6.1.4 (k) to (n) asks of those above the end entity.

    The anchor is trusted by decision: its own constraints are no part of the algorithm (§6.1.1).
    """
    *chain, anchor = path
    # Whoever bears another's name, or issued to itself, is treated by rules of its own.
    names = [folded(each.subject_name) for each in path]
    if len(set(names)) != len(names) or anchor.issuer != anchor.subject:
        raise Unusual("names that are equal, or an anchor that is not self-issued")
    keys = (anchor.issuer_key_identifier, anchor.key_identifier)
    if keys[0] is not None and keys[0] != keys[1]:
        raise Unusual("an anchor that names another key")
    left = len(chain)
    for each in reversed(chain[1:]):
        if not each.is_authority or not each.signs_certificates or left <= 0:
            raise Unusual("no authority, or a path too long")
        left -= 1
        if each.path_length is not None:
            left = min(left, each.path_length)


def _require_not_revoked(
    path: tuple[PlainCertificate, ...], evidence: RevocationEvidence, *, at: datetime
) -> tuple[RevocationEvidence, list[datetime]]:
    """Require evidence for all that declare where it is to be had.

    Returns what counted and until when it does, in the order in which `certs.paths.validation`
    names it.
    """
    if max(len(evidence.ocsp_responses), len(evidence.crls)) > MAX_ITEMS:
        raise Unusual("much evidence")
    answers = [plain_answer(each) for each in evidence.ocsp_responses]
    lists = [plain_list(each) for each in evidence.crls]
    counted, ends = RevocationEvidence(), []
    for subject, issuer in pairwise(path):
        about = [each for each in answers if each.serial == subject.serial]
        listed = [each for each in lists if each.issuer_name == issuer.subject_name]
        _require_enough(subject, about, listed=listed)
        ends += [require_good(each, subject, issuer=issuer, at=at) for each in about]
        ends += [require_unlisted(each, subject, issuer=issuer, at=at) for each in listed]
        counted = counted.merged(
            RevocationEvidence(
                ocsp_responses=tuple(each.der for each in about),
                crls=tuple(each.der for each in listed),
            )
        )
    return counted, ends


def _require_enough(
    subject: PlainCertificate, about: list[PlainAnswer], *, listed: list[PlainList]
) -> None:
    """Require evidence of a kind that the certificate declares: the library asks for no other."""
    if len(about) > 1 or (about and not subject.offers_ocsp):
        raise Unusual("several answers, or one that nobody offers")
    if about or (listed and subject.offers_crl):
        return
    if subject.offers_ocsp or subject.offers_crl:
        raise Unusual("no evidence of a kind that is offered")
