"""Public-service certificates (công vụ): asked for by a policy, met, and whose signatures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, pkcs12
from cryptography.x509.oid import NameOID

from certs.keys.file import FileKey, load_pkcs12
from certs.revocation.evidence import RevocationEvidence
from certs.trust.anchors import AnchorClass, AnchorRole, Block, TrustStore
from exchange.agency import OrganId
from exchange.signing_for import Body, Directory, SignedFor, document_for, signature_for
from signer.policy.files import parse_policy, shipped_policies
from signer.report import Report
from signer.validation.assessing import assess
from tests.support.practice import Practice, one_page
from tests.support.unmarked import CA_USAGE, Made, unmarked
from tests.support.verification import Desk

CODE = "H56.77"
AGENCY = "Ủy ban nhân dân tỉnh Thanh Hóa"
POLICY = parse_policy(
    (
        shipped_policies()["default"].read_text("utf-8")
        + '\n[blocks.PARTY]\nanchor_classes = ["CONG_VU"]\nown_anchors = true\n'
        + '\n[documents.ORIGINAL]\nsigners = ["SIGNATURE"]\n'
    ).encode()
).for_block(Block.PARTY)


@pytest.fixture(scope="module")
def root() -> Made:
    """A root like that of the Government Cipher Committee: without the practice mark."""
    return unmarked("Root CA")


@pytest.fixture(scope="module")
def leader(root: Made) -> FileKey:
    """A leader's certificate of that authority, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC).replace(microsecond=0)
    names = (
        (NameOID.COMMON_NAME, "Nguyễn Văn An"),
        (NameOID.TITLE, "Chủ tịch"),
        (NameOID.ORGANIZATION_NAME, AGENCY),
    )
    signing = {"digital_signature": True, "content_commitment": True}
    usage = {**dict.fromkeys((name.lstrip("_") for name in vars(CA_USAGE)), False), **signing}
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(oid, name) for oid, name in names]))
        .issuer_name(root.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .sign(root.key, hashes.SHA256())
    )
    held = pkcs12.serialize_key_and_certificates(
        b"leader", key, certificate, [root.certificate], NoEncryption()
    )
    return load_pkcs12(held, None)


def judged(document: bytes, root: Made, *, kind: AnchorClass, blocks: set[Block]) -> Report:
    now = datetime.now(UTC)
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.certificate.subject)
        .last_update(now - timedelta(hours=1))
        .next_update(now + timedelta(days=1))
        .add_extension(x509.CRLNumber(1), critical=False)
        .sign(root.key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    anchor = replace(root.anchor(AnchorRole.SIGNER), anchor_class=kind, blocks=frozenset(blocks))
    return assess(
        document,
        store=TrustStore(anchors=(anchor,)),
        evidence=RevocationEvidence(crls=(crl,)),
        at=now,
        policy=POLICY,
    )


def test_a_policy_that_asks_for_public_service_certificates_is_met_by_them_only(
    practice: Practice, root: Made, leader: FileKey
) -> None:
    document = Desk(practice).sign(one_page("Public service"), leader)
    met = judged(document, root, kind=AnchorClass.CONG_VU, blocks={Block.PARTY, Block.STATE})
    assert (met.verdict, met.reason, met.detail) == ("VALID", "", "")
    [entry] = met.signatures
    assert (entry.anchor_class, entry.practice) == ("CONG_VU", False)
    directory = Directory([Body(code=OrganId(CODE), names=("UBND tỉnh", AGENCY))])
    found = signature_for(entry, directory, code=CODE)
    assert (found, document_for(met, [found])) == (SignedFor.MATCHES, SignedFor.MATCHES)

    public = judged(document, root, kind=AnchorClass.CONG_CONG, blocks={Block.PARTY})
    assert (public.verdict, public.reason) == ("INDETERMINATE", "AUTHORITY_CLASS_REFUSED")
    [entry] = public.signatures
    assert signature_for(entry, directory, code=CODE) is SignedFor.NOT_PROVED
    elsewhere = judged(document, root, kind=AnchorClass.CONG_VU, blocks={Block.STATE})
    assert (elsewhere.verdict, elsewhere.reason) == ("INDETERMINATE", "AUTHORITY_OF_OTHER_BLOCK")
