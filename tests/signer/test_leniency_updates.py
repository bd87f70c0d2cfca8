"""Updates as other makers write them: what is let pass, each by its name, and nobody's way in."""

# mypy: allow-untyped-calls
from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from certs.keys.file import FileKey
from signer.leniencies import Leniency
from signer.report import Report
from signer.verdicts import Changes, Indication, Verdict
from tests.support import attacks
from tests.support.verification import Desk, Judge

FIRST, SECOND = "/" + "A1" * 20, "/" + "B2" * 20


def refused(report: Report) -> bool:
    return report.verdict is not Verdict.VALID and all(
        entry.indication is not Indication.TOTAL_PASSED for entry in report.signatures[:1]
    )


def dictionary(entries: dict[str, object]) -> generic.DictionaryObject:
    return generic.DictionaryObject({pdf_name(key): value for key, value in entries.items()})


def store_of(writer: IncrementalPdfFileWriter, key: str) -> generic.DictionaryObject:
    """A security store with one entry in /VRI, that has one stream."""
    stream = writer.add_object(generic.StreamObject(stream_data=b"\x30\x00"))
    entry = dictionary({"/Cert": generic.ArrayObject([stream])})
    entries = writer.add_object(dictionary({key: writer.add_object(entry)}))
    certificates = generic.ArrayObject([stream])
    return dictionary({"/VRI": entries, "/Certs": certificates})


def with_store(
    document: bytes,
    key: str,
    change: Callable[[IncrementalPdfFileWriter, generic.DictionaryObject], None] | None = None,
) -> bytes:
    """Append an update that writes the security store anew, changed by `change`."""
    with attacks.update(document) as (writer, results):
        store = store_of(writer, key)
        if change is not None:
            change(writer, store)
        writer.root[pdf_name("/DSS")] = writer.add_object(store)
        writer.update_root()
    return results[0]


@pytest.fixture(scope="module")
def with_signed_store(desk: Desk, leader_key: FileKey, one_page_pdf: bytes) -> bytes:
    """A document whose security store was there before the leader signed."""
    return desk.sign(with_store(one_page_pdf, FIRST), leader_key)


def test_a_store_may_be_written_anew_and_that_is_named(
    judge: Judge, with_signed_store: bytes
) -> None:
    report = judge(with_store(with_signed_store, SECOND))
    (entry,) = report.signatures
    assert (report.verdict, entry.changes) == (Verdict.VALID, Changes.ARCHIVAL)
    assert (entry.detail, entry.leniencies) == ("", (Leniency.STORE_REWRITTEN,))


def test_a_store_that_only_grows_needs_no_leniency(judge: Judge, signed: bytes) -> None:
    report = judge(with_store(signed, FIRST))
    assert (report.verdict, report.signatures[0].leniencies) == (Verdict.VALID, ())


def entry_with(name: str) -> Callable[[IncrementalPdfFileWriter, generic.DictionaryObject], None]:
    def change(_: IncrementalPdfFileWriter, store: generic.DictionaryObject) -> None:
        entries = store["/VRI"]
        entry = entries[next(iter(entries))]
        entry[pdf_name(name)] = generic.ArrayObject([])

    return change


def store_with_page(_: IncrementalPdfFileWriter, store: generic.DictionaryObject) -> None:
    store[pdf_name("/Page")] = generic.ArrayObject([])


def entry_that_is_a_stream(
    writer: IncrementalPdfFileWriter, store: generic.DictionaryObject
) -> None:
    store["/VRI"][pdf_name(SECOND)] = writer.add_object(generic.StreamObject(stream_data=b"q Q"))


def content_as_evidence(writer: IncrementalPdfFileWriter, store: generic.DictionaryObject) -> None:
    """Overwrite what the page shows, and call the object a certificate."""
    content = writer.root["/Pages"]["/Kids"][0].raw_get("/Contents")
    stream = content.get_object()
    stream._data = stream._encoded_data = b"BT /F1 14 Tf 72 770 Td (Other words) Tj ET"
    writer.mark_update(content)
    store["/VRI"][pdf_name(SECOND)] = dictionary({"/Cert": generic.ArrayObject([content])})


@pytest.mark.parametrize(
    "change",
    [entry_with("/XObject"), store_with_page, entry_that_is_a_stream, content_as_evidence],
    ids=["another entry", "another store", "a stream", "the page's content"],
)
def test_a_store_written_anew_brings_nothing_but_evidence(
    judge: Judge,
    with_signed_store: bytes,
    change: Callable[[IncrementalPdfFileWriter, generic.DictionaryObject], None],
) -> None:
    report = judge(with_store(with_signed_store, SECOND, change))
    assert refused(report)
    assert report.signatures[0].changes is Changes.FORBIDDEN


# Streams that the trailer names.


def naming(document: bytes, stream: int | None = None, body: bytes = b"") -> bytes:
    """Append an update by hand whose trailer names this stream; `body` is object 99."""
    previous = int(re.findall(rb"startxref\s+(\d+)", document)[-1])
    start = len(document) + len(body)
    row = b"99 1\n%010d 00000 n \n" % len(document) if body else b"0 0\n"
    named = b"/AdditionalStreams [/application#2Fx %d 0 R]" % stream if stream else b""
    size = max(200, *(int(each) for each in re.findall(rb"/Size (\d+)", document)))
    identity = re.findall(rb"/ID ?\[[^]]*\]", document)
    return (
        document
        + body
        + (
            b"xref\n%btrailer\n<< /Size %d /Root 1 0 R /Prev %d %b %b >>\nstartxref\n%d\n%%%%EOF\n"
            % (row, size, previous, named, identity[-1] if identity else b"", start)
        )
    )


@pytest.fixture(scope="module")
def naming_missing(desk: Desk, leader_key: FileKey, one_page_pdf: bytes) -> bytes:
    """A signed document whose trailer names a stream that the file does not have."""
    base = naming(one_page_pdf, 150)
    assert base != one_page_pdf
    signed = desk.sign(base, leader_key)
    return signed if b"150 0 R" in signed[len(base) :] else naming(signed, 150)


def test_a_trailer_may_name_a_stream_that_is_missing_and_that_is_named(
    judge: Judge, desk: Desk, naming_missing: bytes, seal_key: FileKey
) -> None:
    report = judge(desk.sign(naming_missing, seal_key))
    assert report.verdict is Verdict.VALID, report
    assert Leniency.STREAMS_MISSING in report.signatures[0].leniencies


STREAM = b"99 0 obj\n<< /Length 5 >>\nstream\nq Q q\nendstream\nendobj\n"


@pytest.mark.parametrize(
    ("stream", "body"),
    [(99, STREAM), (4, b"")],
    ids=["a new one", "one that is there"],
)
def test_a_trailer_that_comes_to_name_a_stream_is_refused(
    judge: Judge, signed: bytes, naming_missing: bytes, stream: int, body: bytes
) -> None:
    """LibreOffice would open it instead of the pages."""
    for document in (signed, naming_missing):
        report = judge(naming(document, stream, body))
        assert refused(report)
        assert report.detail == "the trailer names another document"


def test_evidence_is_no_stream_for_the_trailer(judge: Judge, naming_missing: bytes) -> None:
    """What takes the missing number is refused even where a rule would explain it."""
    stored = with_store(naming_missing, FIRST)
    first = int(re.findall(rb"\n(\d+) 0 obj\s*<<\s*/Length 2\s*>>", stored)[-1])
    assert judge(stored).verdict is Verdict.VALID
    report = judge(naming(stored, first))
    assert refused(report)
    assert report.detail == "the trailer names another document"


def test_a_missing_object_on_the_page_is_not_read_as_nothing(
    judge: Judge, desk: Desk, one_page_pdf: bytes, leader_key: FileKey, seal_key: FileKey
) -> None:
    """It could be put in later, and be shown."""
    with attacks.update(one_page_pdf) as (writer, results):
        page, _ = writer.find_page_for_modification(0)
        missing = generic.IndirectObject(190, 0, writer)
        page.get_object()[pdf_name("/PieceInfo")] = missing
        writer.update_container(page.get_object())
    document = desk.sign(desk.sign(results[0], leader_key), seal_key)
    report = judge(document)
    assert (report.verdict, report.signatures[0].changes) == (
        Verdict.INDETERMINATE,
        Changes.UNKNOWN,
    )
