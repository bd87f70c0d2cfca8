"""Envelopes and statuses of every kind that may be sent, made by hypothesis for properties."""

import datetime as dt
from dataclasses import replace

from hypothesis import strategies as st

from exchange.agency import OrganId
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
)
from tests.support.envelopes import PDF, attachment


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
