"""The routing table: blocks, types and urgency; first match decides; secrets are refused."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest

from certs.trust.anchors import Block
from exchange.agency import AgencyLevel, Endpoint, OrganId
from exchange.envelope import DocumentType, OtherInfo, Priority
from exchange.errors import ClassifiedContentRefused, SettingInvalid
from exchange.routing import load_routing_table, parse_routing_table
from tests.support.envelopes import attachment, envelope

TABLE = load_routing_table()
BODIES = {
    block: Endpoint(
        code=OrganId(f"H56.{number}"),
        name=block.name,
        block=block,
        level=AgencyLevel.PROVINCE,
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
    )
    for number, block in enumerate(Block)
}
REFUSED = {
    (Block.BUSINESS, Block.PARTY): "business-not-to-party-front",
    (Block.BUSINESS, Block.FRONT): "business-not-to-party-front",
    (Block.BUSINESS, Block.BUSINESS): "business-not-to-business",
}


@pytest.mark.parametrize(("sender", "recipient"), list(product(Block, Block)))
def test_every_pair_of_blocks_is_decided_by_a_named_rule(sender: Block, recipient: Block) -> None:
    decision = TABLE.decide(BODIES[sender], BODIES[recipient], document_type="Công văn")
    refusing = REFUSED.get((sender, recipient))
    assert decision.allowed is (refusing is None)
    assert refusing in (None, decision.rule)
    assert decision.rule != "default-deny"
    assert decision.reason_vi
    assert decision.reason_en


def table(*rules: str) -> str:
    return "\n".join(['version = "1"', 'secrecy_words = ["mật"]', *rules])


def rule(name: str, **changes: str) -> str:
    lines = {
        "id": f'"{name}"',
        "from": '["STATE"]',
        "to": '["STATE"]',
        "allow": "true",
        "reason_vi": '"vì"',
        "reason_en": '"because"',
    }
    return "[[rules]]\n" + "\n".join(f"{key} = {value}" for key, value in (lines | changes).items())


def test_without_a_fitting_rule_the_answer_is_no() -> None:
    made = parse_routing_table(table(rule("one")))
    decision = made.decide(BODIES[Block.PARTY], BODIES[Block.STATE], document_type="Công văn")
    assert (decision.allowed, decision.rule) == (False, "default-deny")


def test_the_first_fitting_rule_decides_by_type_and_urgency() -> None:
    made = parse_routing_table(
        table(
            rule("no-telegrams", types='["Công điện"]', allow="false"),
            rule("urgent", priorities='["EXPRESS", "EXPRESS_TIMED"]'),
            rule("rest", allow="false"),
        )
    )
    state = BODIES[Block.STATE]
    assert (
        made.decide(state, state, document_type="CÔNG  ĐIỆN", priority=Priority.EXPRESS).rule
        == "no-telegrams"
    )
    assert (
        made.decide(state, state, document_type="Công văn", priority=Priority.EXPRESS).rule
        == "urgent"
    )
    assert made.decide(state, state, document_type="Công văn").rule == "rest"


@pytest.mark.parametrize(
    "text",
    [
        "no toml [",
        "",
        table("rules = 1"),
        table(rule("a", **{"from": '["NOBODY"]'})),
        table(rule("a", allow='"yes"')),
        table(rule("a", priorities='["SOON"]')),
        table(rule("a", typo="1")),
        table(rule("a"), rule("a")),
        table(rule("a")).replace('["mật"]', "[]"),
    ],
)
def test_a_table_that_is_not_understood_is_refused_whole(text: str) -> None:
    with pytest.raises(SettingInvalid):
        parse_routing_table(text)


@pytest.mark.parametrize("word", ["Mật", "TỐI MẬT", "tuyệt  mật", "Độ mật: Mật", "Ma\u0323\u0302t"])
def test_a_word_of_secrecy_in_a_label_is_refused_without_quoting_it(word: str) -> None:
    labelled = replace(envelope(), other=OtherInfo(sphere=word))
    with pytest.raises(ClassifiedContentRefused) as refused:
        TABLE.refuse_classified(labelled)
    assert refused.value.detail == "OtherInfo/SphereOfPromulgation"
    with pytest.raises(ClassifiedContentRefused):
        TABLE.refuse_classified(replace(envelope(), document_type=DocumentType(name=word)))
    with pytest.raises(ClassifiedContentRefused):
        TABLE.refuse_classified(envelope(), labels=(word,))


@pytest.mark.parametrize(
    "subject",
    ["(MẬT) Báo cáo", "Mật: kế hoạch", "Phương án [tối mật]", "MẬT", "KẾ HOẠCH TUYỆT MẬT"],
)
def test_a_stamp_of_secrecy_in_free_text_is_refused(subject: str) -> None:
    with pytest.raises(ClassifiedContentRefused):
        TABLE.refuse_classified(replace(envelope(), subject=subject))


def test_a_stamp_in_the_name_of_an_attachment_is_refused() -> None:
    stamped = attachment(file_name="(MẬT) phương án.pdf")
    with pytest.raises(ClassifiedContentRefused, match="AttachmentName"):
        TABLE.refuse_classified(replace(envelope(), attachments=(stamped,)))


@pytest.mark.parametrize(
    "subject",
    [
        "V/v bảo vệ bí mật nhà nước",
        "V/v quản lý tài liệu mật trên mạng",
        "Mật độ dân số năm 2026",
        "Dự án nuôi ong lấy mật",
        "Bảo mật hệ thống thông tin",
    ],
)
def test_a_document_about_secrets_or_honey_is_no_secret(subject: str) -> None:
    TABLE.refuse_classified(replace(envelope(), subject=subject, content=subject))


@pytest.mark.parametrize("label", ["Không mật", "Bảo mật thông tin", "Không chứa bí mật nhà nước"])
def test_a_label_that_denies_secrecy_is_no_secret(label: str) -> None:
    TABLE.refuse_classified(replace(envelope(), other=OtherInfo(sphere=label)))
