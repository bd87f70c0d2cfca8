"""The envelope's values and the strict rules for what may be sent."""

import datetime as dt
from dataclasses import replace

import pytest

from exchange.agency import OrganId
from exchange.envelope import (
    Business,
    BusinessKind,
    DocumentCode,
    DocumentType,
    Envelope,
    OtherInfo,
    Party,
    Promulgation,
    ReceiverChange,
    Replacement,
    ResponseFor,
    SignerInfo,
    StaffInfo,
    StatusCode,
    Trace,
    UpdatedParts,
    check_for_sending,
    check_status_for_sending,
)
from exchange.errors import ArgumentInvalid, EnvelopeIncomplete
from tests.support.envelopes import attachment, envelope, status

H56 = OrganId("H56")
NOW = dt.datetime(2026, 11, 20, 1, 0, tzinfo=dt.UTC)


def bent(**changes: object) -> Envelope:
    return replace(envelope(), **changes)  # type: ignore[arg-type]


def test_a_complete_document_and_status_may_be_sent() -> None:
    check_for_sending(envelope())
    check_status_for_sending(status())


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (bent(sender=Party(organ_id=OrganId(""), name="x")), "From/OrganId"),
        (bent(sender=Party(organ_id=OrganId("h56"), name="x")), "From/OrganId"),
        (bent(sender=Party(organ_id=H56)), "From/OrganName"),
        (bent(sender=Party(organ_id=H56, name="x" * 201)), "From/OrganName"),
        (bent(sender=Party(organ_id=H56, name="x", fax="0" * 21)), "From/Fax"),
        (bent(recipients=()), "To"),
        (bent(recipients=envelope().recipients * 2), "To/OrganId"),
        (bent(document_id=""), "DocumentId"),
        (bent(document_id="x" * 101), "DocumentId"),
        (bent(code=DocumentCode(number="1" * 12, notation="A")), "Code/CodeNumber"),
        (bent(code=DocumentCode(number="1", notation="")), "Code/CodeNotation"),
        (bent(promulgation=Promulgation(place="A")), "PromulgationInfo/PromulgationDate"),
        (
            bent(promulgation=Promulgation(place="A", date=dt.date(201, 1, 1))),
            "PromulgationInfo/PromulgationDate",
        ),
        (bent(document_type=DocumentType(name="Công văn", group=18)), "DocumentType/Type"),
        (
            bent(document_type=DocumentType(name="Công văn", group=2, detail=256)),
            "DocumentType/TypeDetail",
        ),
        (bent(subject="null"), "Subject"),
        (bent(subject=" V/v"), "Subject"),
        (bent(subject="V/v \x07"), "Subject"),
        (bent(subject="x" * 501), "Subject"),
        (bent(signer=SignerInfo(full_name="A")), "SignerInfo/Position"),
        (bent(other=OtherInfo(pages=-1)), "OtherInfo/PageAmount"),
        (bent(other=OtherInfo(appendixes=("",))), "OtherInfo/Appendixes/Appendix"),
        (bent(responses=(ResponseFor(organ_id=H56),)), "ResponseFor/Code"),
        (bent(places=("x" * 151,)), "ToPlaces/Place"),
        (bent(traces=()), "TraceHeaderList/TraceHeader"),
        (bent(traces=(Trace(organ_id=OrganId("G09"), at=NOW),)), "TraceHeaderList/TraceHeader"),
        (bent(traces=(Trace(organ_id=H56),)), "TraceHeader/Timestamp"),
        (bent(business=Business()), "Bussiness/BussinessDocReason"),
        (bent(business=Business(reason="x", staff=StaffInfo())), "Bussiness/StaffInfo"),
        (bent(attachments=()), "AttachmentEncoded/Attachment"),
        (bent(attachments=(attachment(), attachment())), "Attachment/ContentId"),
        (bent(attachments=(attachment(content_id="a b"),)), "Attachment/ContentId"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_its_field(document: Envelope, field: str) -> None:
    with pytest.raises(EnvelopeIncomplete) as refused:
        check_for_sending(document)
    assert refused.value.field == field


TARGET = "H56,2026/11/20,1234/UBND-CNTT"


@pytest.mark.parametrize(
    ("business", "field"),
    [
        (Business(reason="x", target_document_id=TARGET), "Bussiness/DocumentId"),
        (Business(kind=BusinessKind.RECALL, reason="x"), "Bussiness/DocumentId"),
        (
            Business(kind=BusinessKind.RECALL, reason="x", target_document_id="other"),
            "Bussiness/DocumentId",
        ),
        (
            Business(kind=BusinessKind.UPDATE, reason="x", target_document_id=TARGET),
            "Bussiness/BussinessDocumentInfo",
        ),
        (
            Business(
                kind=BusinessKind.UPDATE,
                reason="x",
                target_document_id=TARGET,
                updated=UpdatedParts(document_changed=False, receivers_changed=False),
            ),
            "Bussiness/BussinessDocumentInfo",
        ),
        (
            Business(
                kind=BusinessKind.UPDATE,
                reason="x",
                target_document_id=TARGET,
                updated=UpdatedParts(
                    document_changed=True,
                    receivers_changed=False,
                    receivers=(ReceiverChange(organ_id=H56, added=True),),
                ),
            ),
            "Bussiness/BussinessDocumentInfo/ReceiverList",
        ),
        (Business(kind=BusinessKind.REPLACE, reason="x"), "Bussiness/ReplacementInfoList"),
        (
            Business(
                kind=BusinessKind.REPLACE,
                reason="x",
                replacements=(Replacement(document_id=TARGET),),
            ),
            "Bussiness/ReplacementInfoList/ReplacementInfo/OrganIdList",
        ),
    ],
)
def test_each_kind_of_business_needs_its_own_parts_and_no_others(
    business: Business, field: str
) -> None:
    with pytest.raises(EnvelopeIncomplete) as refused:
        check_for_sending(bent(business=business))
    assert refused.value.field == field


@pytest.mark.parametrize(
    "code", [StatusCode.REFUSED, StatusCode.TAKE_BACK_ASKED, StatusCode.DECLINED]
)
def test_a_refusing_status_needs_its_reason(code: StatusCode) -> None:
    check_status_for_sending(status(code))
    with pytest.raises(EnvelopeIncomplete, match="Description"):
        check_status_for_sending(replace(status(code), description=""))


def test_a_date_of_issue_in_the_future_is_refused_where_today_is_known() -> None:
    check_for_sending(envelope(), today=dt.date(2026, 11, 20))
    with pytest.raises(EnvelopeIncomplete, match="PromulgationDate"):
        check_for_sending(envelope(), today=dt.date(2026, 11, 19))


@pytest.mark.parametrize("name", ["../x.pdf", "a\\b.pdf", "..", "", "a\0.pdf", "a\n.pdf"])
def test_an_attachment_is_never_named_by_a_path(name: str) -> None:
    with pytest.raises(ArgumentInvalid) as refused:
        attachment(file_name=name)
    assert refused.value.field == "file_name"


def test_times_carry_their_zone_and_whole_seconds() -> None:
    with pytest.raises(ArgumentInvalid):
        Trace(organ_id=H56, at=NOW.replace(tzinfo=None))
    with pytest.raises(ArgumentInvalid):
        replace(status(), reported_at=NOW.replace(microsecond=1))


def test_a_message_names_the_documents_that_it_acts_upon() -> None:
    recall = Business(kind=BusinessKind.RECALL)
    replacing = Business(
        kind=BusinessKind.REPLACE,
        replacements=(Replacement(document_id="a"), Replacement(document_id="b")),
    )
    assert envelope().target_document_ids == ()
    assert bent(business=recall).target_document_ids == (TARGET,)
    assert bent(business=replace(recall, target_document_id="x")).target_document_ids == ("x",)
    assert bent(business=replacing).target_document_ids == ("a", "b")
