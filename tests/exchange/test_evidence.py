"""Evidence: signed statements that anyone with the public key can check."""

import json
from datetime import UTC, datetime
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from exchange.evidence import EvidenceEvent, EvidenceSigner, Occurrence, is_genuine, key_id_of

SIGNER = EvidenceSigner(Ed25519PrivateKey.generate())
AT = datetime(2026, 11, 20, 1, 15, tzinfo=UTC)
OCCURRENCE = Occurrence(
    event=EvidenceEvent.SUBMISSION_ACCEPTANCE,
    message_id=uuid4(),
    sender="H56.90",
    document_id="H56.90,2026/11/20,1234/KHCN-VP",
    edxml_digest="b" * 64,
    document_digests=("a" * 64,),
)
EVIDENCE = SIGNER.state(OCCURRENCE, at=AT)


def test_a_statement_names_event_message_parties_time_and_digests() -> None:
    fields = json.loads(EVIDENCE.statement)
    assert fields["event"] == "SUBMISSION_ACCEPTANCE"
    assert fields["message_id"] == str(OCCURRENCE.message_id)
    assert fields["edxml_sha256"] == "b" * 64
    assert fields["documents_sha256"] == ["a" * 64]
    assert fields["event_at"] == "2026-11-20T01:15:00+00:00"
    assert EVIDENCE.statement == json.dumps(
        fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    ).encode("utf8")


def test_the_holder_of_the_public_key_can_check_it() -> None:
    assert EVIDENCE.key_id == key_id_of(SIGNER.public_key)
    assert is_genuine(EVIDENCE.statement, EVIDENCE.signature, key=SIGNER.public_key)


def test_another_key_did_not_sign_it() -> None:
    other = Ed25519PrivateKey.generate().public_key()
    assert not is_genuine(EVIDENCE.statement, EVIDENCE.signature, key=other)


@given(st.integers(0, len(EVIDENCE.statement) * 8 - 1))
def test_any_flipped_bit_is_noticed(bit: int) -> None:
    altered = bytearray(EVIDENCE.statement)
    altered[bit // 8] ^= 1 << bit % 8
    assert not is_genuine(bytes(altered), EVIDENCE.signature, key=SIGNER.public_key)
