"""What we write is what we read: the worked examples byte for byte, and any envelope of ours."""

import contextlib
import datetime as dt
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

import exchange.edxml.writer
from exchange.agency import OrganId
from exchange.edxml import (
    ReadDocument,
    WarningCode,
    read_edxml,
    write_edxml_document,
    write_edxml_status,
)
from exchange.envelope import (
    AttachmentRef,
    Business,
    BusinessKind,
    DocumentCode,
    DocumentType,
    Envelope,
    OtherInfo,
    Party,
    Priority,
    Promulgation,
    ReceiverChange,
    Replacement,
    ResponseFor,
    SignerInfo,
    StaffInfo,
    StatusCode,
    StatusMessage,
    SteeringType,
    Trace,
    UpdatedParts,
    check_for_sending,
)
from exchange.errors import EnvelopeInvalid
from tests.support.envelopes import PDF, WORKED, attachment, read_document, read_status

SCHEMAS = Path(exchange.edxml.writer.__file__).parent / "schema"
MESSAGES = sorted(WORKED.glob("*.edxml"))


def written_again(path: Path) -> bytes:
    read = read_edxml(path.read_bytes())
    if isinstance(read, ReadDocument):
        contents = {each.ref.content_id: each.content for each in read.attachments}
        return write_edxml_document(read.envelope, contents)
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
    fits = [
        etree.XMLSchema(file=SCHEMAS / name).validate(tree)
        for name in ("document.xsd", "status.xsd")
    ]
    assert fits == (["status" not in path.name, "status" in path.name])


@pytest.mark.parametrize("path", MESSAGES, ids=lambda p: p.stem)
def test_what_was_read_can_cross_to_another_process(path: Path) -> None:
    read = read_edxml(path.read_bytes())
    assert pickle.loads(pickle.dumps(read)) == read
    assert pickle.loads(pickle.dumps(read_edxml)) is read_edxml


def texts(longest: int) -> st.SearchStrategy[str]:
    """Texts that the format can carry: no control characters, no outer blanks, not `null`."""
    characters = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")
    return (
        st.text(characters | st.sampled_from("\n\t\r<>&\"'Đặỡ"), min_size=1, max_size=longest)
        .map(str.strip)
        .filter(lambda text: bool(text) and text.casefold() != "null")
    )


def maybe(texts_: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.just("") | texts_


organ_ids = st.from_regex(r"[A-Z][0-9]{2}(\.[0-9A-Z]{1,5}){0,3}", fullmatch=True).map(OrganId)
dates = st.dates(dt.date(1900, 1, 2), dt.date(2999, 12, 30))
instants = st.builds(
    dt.datetime.combine, dates, st.times().map(lambda t: t.replace(microsecond=0)), st.just(dt.UTC)
)
parties = st.builds(
    Party,
    organ_id=organ_ids,
    name=texts(200),
    superior=maybe(texts(20)),
    address=maybe(texts(250)),
    email=maybe(texts(10)),
    telephone=maybe(texts(20)),
    fax=maybe(texts(20)),
    website=maybe(texts(10)),
)
staff = st.none() | st.builds(
    StaffInfo, department=texts(20), name=maybe(texts(20)), mobile=maybe(texts(20))
)
plain_businesses = st.builds(Business, reason=texts(500), paper=st.booleans(), staff=staff)
replacements = st.lists(
    st.builds(
        Replacement,
        document_id=texts(100),
        organ_ids=st.lists(organ_ids, min_size=1, max_size=3).map(tuple),
    ),
    min_size=1,
    max_size=3,
).map(tuple)
changes = st.lists(
    st.builds(ReceiverChange, organ_id=organ_ids, added=st.booleans()), max_size=3
).map(tuple)


@st.composite
def businesses(draw: st.DrawFn, document_id: str) -> Business:
    plain = draw(plain_businesses)
    match draw(st.sampled_from(BusinessKind)):
        case BusinessKind.NEW:
            return plain
        case BusinessKind.RECALL:
            return replace(plain, kind=BusinessKind.RECALL, target_document_id=document_id)
        case BusinessKind.REPLACE:
            return replace(plain, kind=BusinessKind.REPLACE, replacements=draw(replacements))
    receivers = draw(changes)
    updated = UpdatedParts(
        document_changed=not receivers or draw(st.booleans()),
        receivers_changed=bool(receivers),
        receivers=receivers,
    )
    return replace(
        plain, kind=BusinessKind.UPDATE, target_document_id=draw(texts(100)), updated=updated
    )


@st.composite
def contents(draw: st.DrawFn) -> list[tuple[AttachmentRef, bytes]]:
    made = []
    for number in range(draw(st.integers(1, 3))):
        content, ending, media_type = draw(
            st.sampled_from(
                [
                    (PDF + draw(st.binary(max_size=40)), "pdf", "application/pdf"),
                    (b"\x89PNG" + draw(st.binary(max_size=40)), "png", "image/png"),
                    (b"PK\x03\x04" + draw(st.binary()), "docx", "application/vnd.ms-word"),
                    (draw(st.binary(min_size=1, max_size=9)), "bin", "application/octet-stream"),
                ]
            )
        )
        if content.startswith((b"%PDF-", b"PK\x03\x04")) and ending == "bin":
            continue
        ref = attachment(
            content,
            content_id=f"id-{number}",
            file_name=f"{draw(st.sampled_from(['Phụ lục 1', 'văn bản', 'a.b']))}.{ending}",
            media_type=media_type,
        )
        made.append((replace(ref, description=draw(maybe(texts(50)))), content))
    return made or [(attachment(), PDF)]


@st.composite
def envelopes(draw: st.DrawFn) -> tuple[Envelope, dict[str, bytes]]:
    sender = draw(parties)
    document_id = draw(texts(100))
    files = draw(contents())
    first = Trace(organ_id=sender.organ_id, at=draw(instants))
    later = draw(st.lists(st.builds(Trace, organ_id=organ_ids, at=instants), max_size=2))
    document = Envelope(
        sender=sender,
        recipients=tuple(
            draw(st.lists(parties, min_size=1, max_size=3, unique_by=lambda p: p.organ_id))
        ),
        document_id=document_id,
        code=DocumentCode(number=draw(texts(11)), notation=draw(texts(30))),
        promulgation=Promulgation(place=draw(texts(50)), date=draw(dates)),
        document_type=DocumentType(
            name=draw(texts(100)),
            group=draw(st.sampled_from([1, 2])),
            detail=draw(st.none() | st.integers(0, 255)),
        ),
        subject=draw(texts(500)),
        content=draw(maybe(texts(500))),
        signer=SignerInfo(
            competence=draw(maybe(texts(100))), position=draw(texts(100)), full_name=draw(texts(50))
        ),
        due_on=draw(st.none() | dates),
        priority=draw(st.sampled_from(Priority)),
        other=draw(
            st.builds(
                OtherInfo,
                sphere=maybe(texts(100)),
                typist=maybe(texts(10)),
                copies=st.none() | st.integers(0, 65_535),
                pages=st.none() | st.integers(0, 65_535),
                direction=st.none() | st.booleans(),
                appendixes=st.lists(texts(20), max_size=2).map(tuple),
            )
        ),
        responses=draw(
            st.lists(
                st.builds(
                    ResponseFor,
                    organ_id=organ_ids,
                    code=texts(50),
                    promulgated_on=dates,
                    document_id=texts(100),
                ),
                max_size=2,
            ).map(tuple)
        ),
        steering=draw(st.sampled_from(SteeringType)),
        places=draw(st.lists(texts(150), max_size=2).map(tuple)),
        business=draw(businesses(document_id)),
        traces=(first, *later),
        attachments=tuple(ref for ref, _ in files),
    )
    return document, {ref.content_id: content for ref, content in files}


@settings(max_examples=60, deadline=None)
@given(envelopes())
def test_any_envelope_of_ours_comes_back_equal_and_without_warnings(
    made: tuple[Envelope, dict[str, bytes]],
) -> None:
    document, files = made
    check_for_sending(document)
    read = read_document(write_edxml_document(document, files))
    assert read.envelope == document
    assert read.warnings == ()
    assert read.extras == ()
    assert {each.ref.content_id: each.content for each in read.attachments} == files


statuses = st.builds(
    StatusMessage,
    sender=parties,
    addressee=organ_ids,
    document_id=texts(100),
    document_code=texts(50),
    promulgated_on=dates,
    status=st.sampled_from(StatusCode),
    description=texts(500),
    staff=staff,
    reported_at=instants,
)


@settings(max_examples=40, deadline=None)
@given(statuses)
def test_any_status_of_ours_comes_back_equal_and_without_warnings(status: StatusMessage) -> None:
    read = read_status(write_edxml_status(status))
    assert read.status == status
    assert read.warnings == ()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_read_or_refused_by_name(noise: bytes) -> None:
    with contextlib.suppress(EnvelopeInvalid):
        read_edxml(noise)
