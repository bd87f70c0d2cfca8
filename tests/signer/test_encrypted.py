"""Documents that their owner's password locks, and that anybody may read: signed and judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from certs.keys.file import FileKey
from signer.errors import DocumentEncrypted
from signer.reasons import Reason
from signer.report import Report
from signer.verdicts import Changes, Integrity, Verdict
from tests.support import attacks, pdfs, producers
from tests.support.verification import Desk, Judge

LOCKS = {
    "AES-256": ("256",),
    "AES-128": ("128", "--use-aes=y"),
    "RC4-128": ("128", "--use-aes=n"),
}
pytestmark = pytest.mark.judge("qpdf")


def locked(document: bytes, *options: str, directory: Path, user: str = "") -> bytes:
    """The document as qpdf locks it."""
    lock = ("--encrypt", user, "owner", *options, "--")
    return producers.by_qpdf(document, *lock, directory=directory)


@pytest.fixture(params=LOCKS)
def signed(
    request: pytest.FixtureRequest, desk: Desk, leader_key: FileKey, tmp_path: Path
) -> bytes:
    """A locked document that the leader signed."""
    document = locked(pdfs.one_page(), *LOCKS[request.param], directory=tmp_path)
    return desk.sign(document, leader_key)


def only(report: Report) -> tuple[Integrity, Changes]:
    [signature] = report.signatures
    return signature.integrity, signature.changes


@pytest.mark.parametrize(
    "change",
    [
        attacks.with_replaced_content,
        attacks.with_overwritten_content,
        attacks.with_new_page_tree,
        attacks.with_script,
    ],
    ids=lambda change: change.__name__.replace("_", " "),
)
def test_what_is_changed_after_signing_is_found_behind_the_lock_too(
    judge: Judge, signed: bytes, change: object
) -> None:
    """The engine's own analysis does not look into encrypted objects: ours does."""
    assert callable(change)
    report = judge(change(signed))
    assert (report.verdict, report.reason) == (Verdict.INVALID, Reason.DOCUMENT_ALTERED), report
    assert only(report) == (Integrity.INTACT, Changes.FORBIDDEN)


def test_a_changed_byte_is_found(judge: Judge, signed: bytes) -> None:
    at = signed.index(b"stream") + 10
    changed = signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :]
    assert judge(changed).verdict is Verdict.INVALID


def test_a_document_that_is_locked_after_it_was_signed_is_not_read(
    judge: Judge, desk: Desk, leader_key: FileKey, tmp_path: Path
) -> None:
    """Another key would give the signed bytes another meaning."""
    plain = desk.sign(pdfs.one_page(), leader_key)
    other = locked(pdfs.one_page(), "256", directory=tmp_path)
    report = judge(with_lock_of(other, plain))
    assert report.verdict is Verdict.UNREADABLE
    assert report.reason in (DocumentEncrypted.reason, "DOCUMENT_MALFORMED")


def test_an_update_that_forgets_the_lock_is_not_judged(judge: Judge, signed: bytes) -> None:
    """Readers that take the newest trailer alone would read the document without a key."""
    changed = attacks.with_script(signed)
    at = changed.rindex(b"/Encrypt")
    assert at > len(signed)
    end = changed.index(b"R", at) + 1
    forgotten = changed[:at] + b" " * (end - at) + changed[end:]
    assert judge(forgotten).verdict is Verdict.UNREADABLE


def with_lock_of(other: bytes, document: bytes) -> bytes:
    """An update that brings the other document's encryption dictionary with it."""
    start = other.rindex(b"/Encrypt ") + len(b"/Encrypt ")
    number = int(other[start : other.index(b" ", start)])
    body = other.index(b"\n%d 0 obj" % number) + 1
    settings = other[body : other.index(b"endobj", body) + 7]
    size = 400
    settings = settings.replace(b"%d 0 obj" % number, b"%d 0 obj" % size, 1)
    previous = document[document.rindex(b"startxref") :].split()[1]
    identifier = other[other.rindex(b"/ID") :].partition(b"]")[0] + b"]"
    table = len(document) + len(settings)
    return b"".join(
        (
            document,
            settings,
            b"xref\n%d 1\n%010d 00000 n \ntrailer\n" % (size, len(document)),
            b"<< /Size %d /Root 1 0 R /Prev %b /Encrypt %d 0 R %b >>\n"
            % (size + 1, previous, size, identifier),
            b"startxref\n%d\n%%%%EOF\n" % table,
        )
    )


def test_what_needs_a_password_to_be_opened_is_neither_signed_nor_judged(
    judge: Judge, desk: Desk, leader_key: FileKey, tmp_path: Path
) -> None:
    document = locked(pdfs.one_page(), "256", directory=tmp_path, user="secret")
    with pytest.raises(DocumentEncrypted) as refused:
        desk.sign(document, leader_key)
    assert refused.value.reason == "DOCUMENT_ENCRYPTED"
    report = judge(document)
    assert (report.verdict, report.reason) == (Verdict.UNREADABLE, "DOCUMENT_ENCRYPTED")
