"""The trust directory: what it says is what is trusted, no more and no less."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.errors import TrustStoreInvalid
from certs.trust.anchors import AnchorClass, AnchorRole, Block, TrustStore
from certs.trust.changes import write_trust_anchor
from certs.trust.files import INDEX, load_trust_store
from tests.certs.forging import NOW, root
from tests.support.practice import Practice
from tests.support.unmarked import unmarked

FIRST = root("First").anchor(AnchorRole.SIGNER)
SECOND = replace(root("Second").anchor(AnchorRole.TSA), blocks=frozenset({Block.PARTY}))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write_trust_anchor(tmp_path / "trust", FIRST, name="first", at=NOW)
    write_trust_anchor(tmp_path / "trust", SECOND, name="second", at=NOW)
    return tmp_path / "trust"


def edit(directory: Path, old: str, new: str) -> None:
    text = (directory / INDEX).read_text("utf-8")
    assert old in text
    (directory / INDEX).write_text(text.replace(old, new), "utf-8")


def test_what_was_written_is_read_again(directory: Path) -> None:
    store = load_trust_store(directory, allow_practice=True)
    assert store.anchors == (FIRST, SECOND)
    assert store.version == TrustStore(anchors=(SECOND, FIRST)).version


def test_an_anchor_of_the_same_name_is_replaced(directory: Path) -> None:
    write_trust_anchor(directory, SECOND, name="first", at=NOW)
    assert load_trust_store(directory, allow_practice=True).anchors == (SECOND, SECOND)


def test_a_practice_anchor_is_refused_unless_practice_is_allowed(directory: Path) -> None:
    with pytest.raises(TrustStoreInvalid, match="practice"):
        load_trust_store(directory)


def test_a_practice_certificate_cannot_be_declared_real(directory: Path) -> None:
    edit(directory, "practice = true", "practice = false")
    with pytest.raises(TrustStoreInvalid, match=r"first\.crt"):
        load_trust_store(directory, allow_practice=True)


def test_a_real_anchor_loads_without_practice(tmp_path: Path) -> None:
    write_trust_anchor(tmp_path, unmarked().anchor(), name="real", at=NOW)
    (anchor,) = load_trust_store(tmp_path).anchors
    assert not anchor.practice
    assert anchor.trusted_at(NOW)


def test_the_class_that_was_written_is_read_again(tmp_path: Path) -> None:
    anchor = replace(unmarked().anchor(), anchor_class=AnchorClass.CONG_VU)
    write_trust_anchor(tmp_path, anchor, name="official", at=NOW)
    assert load_trust_store(tmp_path).anchors == (anchor,)


def test_a_store_from_before_there_were_classes_loads_and_no_class_is_guessed(
    directory: Path, tmp_path: Path
) -> None:
    write_trust_anchor(tmp_path / "real", unmarked().anchor(), name="real", at=NOW)
    edit(directory, 'class = "PRACTICE"\n', "")
    edit(tmp_path / "real", 'class = "UNSTATED"\n', "")
    practice = load_trust_store(directory, allow_practice=True).anchors
    (real,) = load_trust_store(tmp_path / "real").anchors
    assert {each.anchor_class for each in practice} == {AnchorClass.PRACTICE}
    assert real.anchor_class is AnchorClass.UNSTATED


def test_a_certificate_file_that_the_index_does_not_name_is_an_error(directory: Path) -> None:
    (directory / "stray.pem").write_bytes((directory / "first.crt").read_bytes())
    with pytest.raises(TrustStoreInvalid, match=r"stray\.pem"):
        load_trust_store(directory, allow_practice=True)


def test_a_certificate_in_der_is_read_too(directory: Path) -> None:
    (directory / "first.crt").write_bytes(FIRST.certificate.public_bytes(Encoding.DER))
    assert load_trust_store(directory, allow_practice=True).anchors[0] == FIRST


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('file = "first.crt"', 'file = "missing.crt"'),
        ('file = "first.crt"', 'file = "../first.crt"'),
        ('file = "first.crt"', 'file = "/etc/ssl/first.crt"'),
        ('file = "second.crt"', 'file = "first.crt"'),
        ('roles = ["SIGNER"]', 'roles = ["KING"]'),
        ('roles = ["SIGNER"]', "roles = []"),
        ('roles = ["SIGNER"]', 'roles = "SIGNER"'),
        ('blocks = ["PARTY"]', "blocks = [7]"),
        ("valid_from = 2023", "valid_from = 2093"),
        ("+00:00", ""),
        ("practice = true", 'practice = "yes"'),
        ("practice = true", "trusted = true"),
        ('class = "PRACTICE"', 'class = "CONG_VU"'),
        ('class = "PRACTICE"', 'class = "KING"'),
        ('class = "PRACTICE"', "class = 7"),
        ("[[anchor]]", "[[anchors]]"),
        ("[[anchor]]", "[[anchor"),
    ],
)
def test_a_wrong_index_trusts_nobody(directory: Path, old: str, new: str) -> None:
    edit(directory, old, new)
    with pytest.raises(TrustStoreInvalid):
        load_trust_store(directory, allow_practice=True)


@pytest.mark.parametrize("content", [b"", b"junk", b"-----BEGIN CERTIFICATE-----\nAA\n"])
def test_a_damaged_certificate_trusts_nobody(directory: Path, content: bytes) -> None:
    (directory / "first.crt").write_bytes(content)
    with pytest.raises(TrustStoreInvalid, match=r"first\.crt"):
        load_trust_store(directory, allow_practice=True)


def test_two_certificates_in_one_file_are_refused(directory: Path) -> None:
    both = FIRST.certificate.public_bytes(Encoding.PEM) * 2
    (directory / "first.crt").write_bytes(both)
    with pytest.raises(TrustStoreInvalid, match="2 certificates"):
        load_trust_store(directory, allow_practice=True)


def test_a_directory_without_an_index_is_no_store(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(TrustStoreInvalid):
            load_trust_store(path)


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "a\nb"])
def test_a_name_that_is_no_plain_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(TrustStoreInvalid):
        write_trust_anchor(tmp_path, FIRST, name=name, at=NOW)


def test_the_practice_authority_writes_a_store_that_trusts_it_alone(
    practice: Practice, tmp_path: Path
) -> None:
    practice.authority.write_trust(tmp_path)
    store = load_trust_store(tmp_path, allow_practice=True)
    assert store.version == practice.trust.version
    assert all(anchor.practice for anchor in store.anchors)
