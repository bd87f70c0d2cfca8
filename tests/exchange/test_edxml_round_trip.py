"""What we write is what we read: the worked examples byte for byte, and any envelope of ours."""

import pickle
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from lxml import etree

import exchange.edxml.writer
from exchange.edxml import (
    ReadDocument,
    ReadStatus,
    WarningCode,
    read_edxml,
    write_edxml_document,
    write_edxml_status,
)
from exchange.envelope import Envelope, StatusMessage, check_for_sending
from tests.support.envelopes import (
    WORKED,
    read_document,
    read_status,
)
from tests.support.made_envelopes import envelopes, statuses

SCHEMAS = Path(exchange.edxml.writer.__file__).parent / "schema"
MESSAGES = sorted(WORKED.glob("*.edxml"))


@cache
def schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(file=SCHEMAS / name)


def written_again(path: Path) -> bytes:
    read = read_edxml(path.read_bytes())
    if isinstance(read, ReadDocument):
        contents = {each.ref.content_id: each.content for each in read.attachments}
        return write_edxml_document(read.envelope, contents)
    assert isinstance(read, ReadStatus)
    return write_edxml_status(read.status)


def test_all_fourteen_messages_are_there() -> None:
    assert len(MESSAGES) == 14


@pytest.mark.parametrize(
    "path", [p for p in MESSAGES if "signed" not in p.name], ids=lambda p: p.stem
)
def test_a_message_in_our_layout_is_written_back_byte_for_byte(path: Path) -> None:
    assert read_edxml(path.read_bytes()).warnings == ()
    assert written_again(path) == path.read_bytes()


def test_an_envelope_signature_is_kept_shown_and_not_written_again() -> None:
    signed = read_document((WORKED / "worked-0-new.signed-demo.edxml").read_bytes())
    plain = read_document((WORKED / "worked-0-new.edxml").read_bytes())
    assert signed.envelope == plain.envelope
    assert signed.attachments == plain.attachments
    assert [w.code for w in signed.warnings] == [WarningCode.ENVELOPE_SIGNATURE_NOT_VERIFIABLE]
    assert "<X509SubjectName>" in signed.extras[0].xml
    assert (
        written_again(WORKED / "worked-0-new.signed-demo.edxml")
        == (WORKED / "worked-0-new.edxml").read_bytes()
    )


@pytest.mark.parametrize("path", MESSAGES, ids=lambda p: p.stem)
def test_every_message_fits_exactly_one_of_the_two_schemas(path: Path) -> None:
    tree = etree.parse(path)
    fits = [schema(name).validate(tree) for name in ("document.xsd", "status.xsd")]
    assert fits == (["status" not in path.name, "status" in path.name])


@pytest.mark.parametrize("path", MESSAGES, ids=lambda p: p.stem)
def test_what_was_read_can_cross_to_another_process(path: Path) -> None:
    read = read_edxml(path.read_bytes())
    assert pickle.loads(pickle.dumps(read)) == read
    assert pickle.loads(pickle.dumps(read_edxml)) is read_edxml


@settings(max_examples=60, deadline=None)
@given(envelopes())
def test_any_envelope_of_ours_comes_back_equal_and_without_warnings(
    made: tuple[Envelope, dict[str, bytes]],
) -> None:
    document, files = made
    check_for_sending(document)
    written = write_edxml_document(document, files)
    assert schema("document.xsd").validate(etree.fromstring(written))
    read = read_document(written)
    assert read.envelope == document
    assert read.warnings == ()
    assert read.extras == ()
    assert {each.ref.content_id: each.content for each in read.attachments} == files


@settings(max_examples=40, deadline=None)
@given(statuses)
def test_any_status_of_ours_comes_back_equal_and_without_warnings(status: StatusMessage) -> None:
    written = write_edxml_status(status)
    assert schema("status.xsd").validate(etree.fromstring(written))
    read = read_status(written)
    assert read.status == status
    assert read.warnings == ()
