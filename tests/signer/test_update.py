"""An update fits only the document it was made for."""

from __future__ import annotations

import hashlib

import pytest

from signer.creation.update import PendingUpdate
from signer.errors import ContainerTooLarge
from signer.source import Source

DOCUMENT = b"%PDF-1.7 a document"
UPDATE = PendingUpdate(
    start=len(DOCUMENT),
    content=b"before <0000> after",
    gap_start=len(DOCUMENT) + 7,
    gap_end=len(DOCUMENT) + 13,
    field_name="Signature1",
)


def test_the_digest_is_over_everything_but_the_gap() -> None:
    expected = hashlib.sha256(DOCUMENT + b"before " + b" after").digest()
    assert UPDATE.digest(Source.of_bytes(DOCUMENT), "sha256") == expected


@pytest.mark.parametrize("other", [DOCUMENT + b" ", DOCUMENT[:-1], b""])
def test_an_update_is_not_hashed_with_a_document_of_another_size(other: bytes) -> None:
    with pytest.raises(ValueError, match="another document"):
        UPDATE.digest(Source.of_bytes(other), "sha256")


def test_a_container_is_written_into_the_gap_or_refused() -> None:
    assert UPDATE.completed(b"\xab") == b"before <AB00> after"
    assert UPDATE.completed(b"\xab\xcd") == b"before <ABCD> after"
    with pytest.raises(ContainerTooLarge):
        UPDATE.completed(b"\xab\xcd\xef")
