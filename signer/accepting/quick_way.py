"""The quick way to accept: what our own signer made and nobody touched since, judged sooner (pure).

`accept` gives what `signer.validation.assessing` gives for a valid document, or None: it never
refuses, and whatever is not certain goes the full way, through the engine. It takes a document as
it was first written with one update, in which one signature of level B-B approves all of it
(`signer.accepting.document`), with a CMS object as our signer writes it (`signer.accepting.cms`)
and a path that `certs.paths.plain` accepts or accepted before.

What the full way establishes, and where it is established here (EN 319 102-1 §5.3):

1. format (§5.2.2), coverage, hidden signatures: `read_signed`;
2. the signing certificate (§5.2.3) and 3. cryptography (§5.2.7): `read_plain_cms`, `_accepted`;
4. the path (§5.2.6): `known_path`, at the instant of judgement, as nothing proves another one;
5. algorithms (§5.2.8): only those of our own schemes, with keys that are strong enough;
6. what the policy asks for: `_is_enough`, by the policy's own functions;
7. changes after the signature: there are none, for the signed bytes end with the file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator.util import get_pyca_cryptography_hash

from certs.identity import IdentityKind, SignerIdentity, fingerprint, identify
from certs.paths.known import KnownPath, PathKey, known_path
from certs.paths.known import forget as forget_paths
from certs.paths.validation import PathVerdict
from certs.raw_signatures import is_signature_by
from certs.revocation.known_crls import forget as forget_lists
from certs.trust.anchors import AnchorRole, is_practice
from signer.accepting.cms import PlainCms, read_plain_cms
from signer.accepting.cms import forget as forget_signers
from signer.accepting.document import PlainSigned, read_signed
from signer.accepting.revisions import describe_revisions
from signer.limits import DocumentLimits
from signer.policy.findings import (
    Standing,
    certificate_algorithms,
    signers_finding,
    standing_findings,
)
from signer.policy.values import Algorithms
from signer.report import Report, SignatureReport, ValidationMaterial
from signer.validation.examining import PADES
from signer.validation.path_reports import PathReport, describe_path
from signer.validation.path_reports import forget as forget_certificates
from signer.validation.trust import Circumstances
from signer.verdicts import (
    Changes,
    Indication,
    Integrity,
    SignatureKind,
    SignatureLevel,
    Verdict,
)

_KEPT_SIGNERS: Final = 512
_KEPT_DESCRIPTIONS: Final = 1024


def accept(
    document: bytes, *, circumstances: Circumstances, limits: DocumentLimits
) -> Report | None:
    """Return the full way's report on a document that it holds valid, None where it must say."""
    try:
        return _accepted(document, circumstances, limits=limits)
    except MemoryError:
        raise
    except Exception:  # whatever a stranger's bytes provoke, it is no answer
        return None


def forget() -> None:
    """Forget everything that was kept of earlier documents: paths, evidence, who signed them.

    What was read of the trust store's own anchors stays: it comes with no document.
    """
    forget_paths()
    forget_lists()
    forget_signers()
    forget_certificates()
    identify.cache_clear()
    certificate_algorithms.cache_clear()
    _signer.cache_clear()
    _described.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signer:
    """A signer's certificate, and what it says."""

    certificate: x509.Certificate
    identity: SignerIdentity
    fingerprint: str
    practice: bool
    rsa_bits: int
    curve: str

    @property
    def kind(self) -> SignatureKind:
        """A person's signature, or an organisation's seal."""
        is_seal = self.identity.kind is IdentityKind.ORGANISATION
        return SignatureKind.SEAL if is_seal else SignatureKind.SIGNATURE


@lru_cache(maxsize=_KEPT_SIGNERS)
def _signer(der: bytes) -> _Signer:
    certificate = x509.load_der_x509_certificate(der)
    key = certificate.public_key()
    return _Signer(
        certificate=certificate,
        identity=identify(certificate),
        fingerprint=fingerprint(certificate),
        practice=is_practice(certificate),
        rsa_bits=key.key_size if isinstance(key, rsa.RSAPublicKey) else 0,
        curve=key.curve.name.lower() if isinstance(key, ec.EllipticCurvePublicKey) else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """The document with its SHA-256, its CMS object and who signed it."""

    sha256: str
    found: PlainSigned
    cms: PlainCms
    signer: _Signer


def _accepted(
    document: bytes, circumstances: Circumstances, *, limits: DocumentLimits
) -> Report | None:
    found = read_signed(document, limits)
    digests = _Digests(document, found)
    cms = read_plain_cms(found.signed.cms, digests.signed)
    signer = _signer(cms.certificate)
    # 3. Over the attributes, which hold the document's digest already.
    key = signer.certificate.public_key()
    if not is_signature_by(key, cms.signature, data=cms.signed, scheme=cms.scheme):
        return None
    made = _Made(sha256=digests.whole(), found=found, cms=cms, signer=signer)
    store, policy, at = circumstances.store, circumstances.policy, circumstances.at
    # A time that is not over yet is for the full way to refuse, or to name.
    if found.stated_at is not None and found.stated_at > at:
        return None
    offered = tuple(each.public_bytes(Encoding.DER) for each in circumstances.intermediates)
    path = known_path(
        cms.certificate,
        intermediates=offered + cms.others,
        store=store,
        role=AnchorRole.SEAL if signer.kind is SignatureKind.SEAL else AnchorRole.SIGNER,
        at=at,
        evidence=circumstances.evidence,
    )
    if path is None:
        return None
    described = _describe(path)
    # 6. As `chain_finding` asks of each certificate.
    if any(policy.weakness(each, at=at) is not None for each in described.used):
        return None
    if not _is_enough(made, path.verdict, circumstances=circumstances):
        return None
    counted = path.verdict.evidence
    return Report(
        sha256=made.sha256,
        size_bytes=len(document),
        verdict=Verdict.VALID,
        reason="",
        detail="",
        signatures=(_report(made, described.report, verdict=path.verdict),),
        judged_at=at,
        trust_version=store.version,
        policy=policy.label,
        revisions=describe_revisions(document, found),
        missing=(),
        material=ValidationMaterial(
            certificates=path.certificates,
            ocsp_responses=counted.ocsp_responses,
            crls=counted.crls,
        ),
    )


class _Digests:
    """Digests of the signed bytes and of all bytes, in one pass where both are SHA-256."""

    __slots__ = ("_all", "_document", "_found")

    def __init__(self, document: bytes, found: PlainSigned) -> None:
        self._document = document
        self._found = found
        self._all: hashes.Hash | None = None

    def signed(self, algorithm: str) -> bytes:
        """Return the digest of what is signed."""
        before, after = self._found.signed.parts(self._document)
        state = hashes.Hash(get_pyca_cryptography_hash(algorithm))
        state.update(before)
        if algorithm == "sha256":
            self._all = state.copy()
        state.update(after)
        return state.finalize()

    def whole(self) -> str:
        """Return the SHA-256 of the document, hexadecimal."""
        state, start = self._all, self._found.signed.gap_start
        if state is None:
            state, start = hashes.Hash(hashes.SHA256()), 0
        state.update(memoryview(self._document)[start:])
        return state.finalize().hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Described:
    """A path as reports name it, without the evidence itself, and what its certificates use."""

    report: PathReport
    used: frozenset[Algorithms]


# What is said of a path is the same for all documents.
_described: dict[PathKey, _Described] = {}


def _describe(path: KnownPath) -> _Described:
    known = _described.get(path.key)
    if known is None:
        if len(_described) >= _KEPT_DESCRIPTIONS:
            _described.clear()
        report = describe_path(path.verdict, proved_at=lambda _: None)
        known = _described[path.key] = _Described(
            report=replace(report, material=ValidationMaterial()),
            used=frozenset(map(certificate_algorithms, path.verdict.chain)),
        )
    return known


def _is_enough(made: _Made, verdict: PathVerdict, *, circumstances: Circumstances) -> bool:
    """Whether the policy has nothing against the anchor, the signature or the document."""
    policy, at = circumstances.policy, circumstances.at
    used = Algorithms(
        digest=made.cms.scheme.digest_algorithm,
        scheme=made.cms.scheme_name,
        rsa_bits=made.signer.rsa_bits,
        curve=made.signer.curve,
    )
    standing = Standing(
        kind=made.signer.kind,
        sub_filter=PADES,
        level=SignatureLevel.B_B,
        anchor=verdict.anchor,
        time_proved=False,
    )
    return (
        not standing_findings(used, standing, policy=policy, at=at)
        and signers_finding([made.signer.kind], policy) is None
    )


def _report(made: _Made, path: PathReport, *, verdict: PathVerdict) -> SignatureReport:
    """Name every part of the report, also those that stay as they are by default."""
    signer = made.signer
    return SignatureReport(
        field=made.found.field,
        kind=signer.kind,
        indication=Indication.TOTAL_PASSED,
        sub_indication=None,
        integrity=Integrity.INTACT,
        changes=Changes.NONE,
        level=SignatureLevel.B_B,
        signer=signer.identity,
        signed_at=made.found.stated_at,
        timestamp_at=None,
        reason="",
        detail="",
        algorithm=made.cms.algorithm,
        certificate_sha256=signer.fingerprint,
        practice=signer.practice or (verdict.anchor is not None and verdict.anchor.practice),
        revision=2,
        covers_whole_document=True,
        proved_at=None,
        leniencies=(),
        chain=path.chain,
        evidence=path.evidence,
        anchor_class=path.anchor_class,
    )
