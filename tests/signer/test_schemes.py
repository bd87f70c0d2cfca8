"""Every scheme a key can sign with: our verifier accepts it, or says what it holds against it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from certs.algorithms import ML_DSA_KEYS
from certs.keys.file import FileKey, load_pem, load_pkcs12
from certs.practice.authority import Issued
from certs.practice.profiles import HolderKeyKind
from certs.revocation.evidence import RevocationEvidence
from certs.schemes import DIGESTS, EXPERIMENTAL, SchemeFamily, SignatureScheme
from signer.creation.requests import Level
from signer.errors import KeyUnsupported
from signer.reasons import Reason
from signer.report import Report
from signer.validation.assessing import assess
from signer.verdicts import Indication, Integrity, SubIndication, Verdict
from tests.support.practice import PASSPHRASE, Practice
from tests.support.verification import Desk

ESTABLISHED = [
    *(("rsa2048", SignatureScheme(SchemeFamily.RSA_PKCS1, digest)) for digest in DIGESTS),
    *(("rsa2048", SignatureScheme(SchemeFamily.RSA_PSS, digest)) for digest in DIGESTS),
    *(("p256", SignatureScheme(SchemeFamily.ECDSA, digest)) for digest in DIGESTS),
    *(("p384", SignatureScheme(SchemeFamily.ECDSA, digest)) for digest in ("sha384", "sha3_384")),
    ("ed25519", SignatureScheme(SchemeFamily.ED25519, "sha512")),
]
ML_DSA = SignatureScheme(SchemeFamily.ML_DSA, "sha512")


@pytest.fixture(scope="module")
def people(practice: Practice) -> dict[str, Issued]:
    kinds: tuple[HolderKeyKind, ...] = (
        *("rsa2048", "p256", "p384", "ed25519"),
        *("mldsa44", "mldsa65", "mldsa87"),
    )
    return {
        kind: practice.authority.issue_person("An", organisation="Sở", position="GĐ", key=kind)
        for kind in kinds
    }


def key_of(issued: Issued) -> FileKey:
    if isinstance(issued.private_key, ML_DSA_KEYS):
        return load_pem(issued.certificate_pem + issued.private_key_pem, None, experimental=True)
    return load_pkcs12(issued.pkcs12(PASSPHRASE), PASSPHRASE)


def judged(practice: Practice, document: bytes, issued: Issued) -> Report:
    evidence = practice.evidence(issued.certificate)
    evidence = evidence.merged(RevocationEvidence(crls=(practice.authority.crl(),)))
    return assess(document, store=practice.trust, evidence=evidence, at=datetime.now(UTC))


@pytest.mark.parametrize(("kind", "scheme"), ESTABLISHED, ids=str)
def test_a_signature_of_every_established_scheme_is_valid(
    practice: Practice,
    desk: Desk,
    people: dict[str, Issued],
    one_page_pdf: bytes,
    *,
    kind: str,
    scheme: SignatureScheme,
) -> None:
    signed = desk.sign(one_page_pdf, key_of(people[kind]), scheme=scheme)
    report = judged(practice, signed, people[kind])
    assert report.verdict is Verdict.VALID, report.signatures[0]


@pytest.mark.parametrize("kind", ["ed25519", "p384"])
def test_a_time_stamped_signature_is_valid_too(
    practice: Practice, desk: Desk, people: dict[str, Issued], one_page_pdf: bytes, kind: str
) -> None:
    signed = desk.sign(one_page_pdf, key_of(people[kind]), Level.B_T)
    assert judged(practice, signed, people[kind]).verdict is Verdict.VALID


@pytest.mark.parametrize("kind", ["mldsa44", "mldsa65", "mldsa87"])
def test_ml_dsa_signs_where_it_is_asked_for_and_is_reported_as_experimental(
    practice: Practice, desk: Desk, people: dict[str, Issued], one_page_pdf: bytes, kind: str
) -> None:
    signed = desk.sign(one_page_pdf, key_of(people[kind]), scheme=ML_DSA)
    report = judged(practice, signed, people[kind])
    [signature] = report.signatures
    assert (report.verdict, report.reason) == (
        Verdict.INDETERMINATE,
        Reason.EXPERIMENTAL_ALGORITHM,
    )
    assert signature.indication is Indication.INDETERMINATE
    assert signature.sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE
    assert signature.integrity is Integrity.INTACT


def test_an_altered_ml_dsa_document_is_invalid(
    practice: Practice, desk: Desk, people: dict[str, Issued], one_page_pdf: bytes
) -> None:
    signed = desk.sign(one_page_pdf, key_of(people["mldsa65"]), scheme=ML_DSA)
    altered = signed.replace(b"Practice page", b"Practice rage", 1)
    assert judged(practice, altered, people["mldsa65"]).verdict is Verdict.INVALID


def test_ml_dsa_is_never_chosen_by_default(
    desk: Desk, people: dict[str, Issued], one_page_pdf: bytes
) -> None:
    key = key_of(people["mldsa65"])
    assert key.families == EXPERIMENTAL
    with pytest.raises(KeyUnsupported):
        desk.sign(one_page_pdf, key)
