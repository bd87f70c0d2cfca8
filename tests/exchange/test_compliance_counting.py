"""Counting the signature rate: known figures, and laws that hold for any documents."""

import datetime as dt
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.trust.anchors import Block
from exchange.agency import AgencyLevel, OrganId
from exchange.compliance.counting import (
    DocumentFact,
    DocumentKind,
    ExceptionReason,
    RateReport,
    count,
    rate_text,
)
from exchange.compliance.periods import Period
from exchange.compliance.rate_definitions import RateDefinition, load_definitions
from signer.verdicts import Verdict

DECREE, NETWORK = load_definitions()
NOVEMBER = Period.month(2026, 11)
SIGNED = DocumentFact(
    message_id="m",
    document_id="d",
    sender=OrganId("H56"),
    block=Block.STATE,
    level=AgencyLevel.PROVINCE,
    issued_on=dt.date(2026, 11, 20),
    type_name="Công văn",
    verdict=Verdict.VALID,
    leader_signed=True,
    seal_signed=True,
)
UNSIGNED = replace(SIGNED, verdict=Verdict.UNSIGNED, leader_signed=False, seal_signed=False)


def reasons(report: RateReport) -> list[ExceptionReason]:
    return [each.reason for each in report.exceptions]


def test_the_rate_and_its_exceptions_are_counted_by_block() -> None:
    business = replace(UNSIGNED, block=Block.BUSINESS, message_id="b")
    report = count(
        [SIGNED, SIGNED, replace(UNSIGNED, message_id="a"), business], DECREE, period=NOVEMBER
    )
    assert (report.numerator, report.denominator, report.rate) == (2, 4, "50,00 %")
    by_block = {each.block: each.count.rate for each in report.blocks}
    assert by_block == {
        Block.PARTY: "không phát sinh",
        Block.STATE: "66,66 %",
        Block.FRONT: "không phát sinh",
        Block.BUSINESS: "0,00 %",
    }
    assert [each.fact.message_id for each in report.exceptions] == ["a", "b"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"verdict": Verdict.UNSIGNED}, ExceptionReason.UNSIGNED),
        ({"verdict": Verdict.INVALID}, ExceptionReason.SIGNATURE_INVALID),
        ({"verdict": Verdict.INDETERMINATE}, ExceptionReason.SIGNATURE_UNDETERMINED),
        ({"verdict": Verdict.UNREADABLE}, ExceptionReason.DOCUMENT_UNREADABLE),
        ({"leader_signed": False}, ExceptionReason.LEADER_SIGNATURE_MISSING),
        ({"seal_signed": False}, ExceptionReason.SEAL_MISSING),
        (
            {"leader_signed": False, "seal_signed": False},
            ExceptionReason.BOTH_SIGNATURES_MISSING,
        ),
        (
            {"kind": DocumentKind.COPY, "leader_signed": False, "seal_signed": False},
            ExceptionReason.SEAL_MISSING,
        ),
    ],
)
def test_every_document_that_does_not_count_has_its_reason(
    changes: dict[str, object], reason: ExceptionReason
) -> None:
    fact = replace(SIGNED, **changes)  # type: ignore[arg-type]
    assert reasons(count([fact], DECREE, period=NOVEMBER)) == [reason]


def test_a_signature_that_is_not_valid_never_counts() -> None:
    for verdict in Verdict:
        report = count([replace(SIGNED, verdict=verdict)], DECREE, period=NOVEMBER)
        assert report.numerator == (verdict is Verdict.VALID)


def test_a_copy_needs_no_signature_of_the_leader() -> None:
    copy = replace(SIGNED, kind=DocumentKind.COPY, leader_signed=False)
    assert count([copy], DECREE, period=NOVEMBER).rate == "100 %"


def test_an_annex_is_left_out_and_counted_as_such() -> None:
    report = count([replace(UNSIGNED, kind=DocumentKind.ANNEX)], DECREE, period=NOVEMBER)
    assert report.rate == "không phát sinh"
    assert [(each.exclusion_id, each.documents) for each in report.excluded] == [("annex", 1)]


def test_the_mild_reading_is_shown_beside_the_strict_one() -> None:
    report = count([replace(SIGNED, seal_signed=False)], DECREE, period=NOVEMBER)
    assert [(each.reading.reading_id, each.count.rate) for each in report.readings] == [
        ("both-signatures", "0,00 %"),
        ("at-least-one", "100 %"),
    ]


def test_the_survey_counts_one_valid_signature() -> None:
    one = replace(SIGNED, leader_signed=False)
    assert count([one, UNSIGNED], NETWORK, period=NOVEMBER).rate == "50,00 %"


def test_documents_outside_the_period_do_not_count() -> None:
    before = replace(UNSIGNED, issued_on=dt.date(2026, 10, 31))
    after = replace(UNSIGNED, issued_on=dt.date(2026, 12, 1))
    edges = [replace(SIGNED, issued_on=dt.date(2026, 11, day)) for day in (1, 30)]
    assert count([before, *edges, after], DECREE, period=NOVEMBER).rate == "100 %"
    assert count([before, *edges, after], DECREE, period=NOVEMBER).denominator == 2


@pytest.mark.parametrize(
    ("numerator", "denominator", "text"),
    [
        (0, 0, "không phát sinh"),
        (0, 7, "0,00 %"),
        (7, 7, "100 %"),
        (197, 200, "98,50 %"),
        (24_999, 25_000, "99,99 %"),
        (10**12 - 1, 10**12, "99,99 %"),
        (1, 3, "33,33 %"),
        (2, 3, "66,66 %"),
        (1, 100_000, "0,00 %"),
        (5, 100, "5,00 %"),
    ],
)
def test_rates_are_printed_rounded_down(numerator: int, denominator: int, text: str) -> None:
    assert rate_text(numerator, denominator) == text


def test_rates_are_printed_with_as_many_decimals_as_the_definition_says() -> None:
    assert rate_text(2, 3, decimals=0) == "66 %"
    assert rate_text(1, 3, decimals=4) == "33,3333 %"


@given(st.integers(1, 10**9), st.data(), st.integers(0, 4))
def test_a_hundred_per_cent_is_printed_only_where_all_are_signed(
    denominator: int, data: st.DataObject, decimals: int
) -> None:
    numerator = data.draw(st.integers(0, denominator))
    text = rate_text(numerator, denominator, decimals=decimals)
    assert (text == "100 %") is (numerator == denominator)
    printed = float(text.removesuffix(" %").replace(",", "."))
    exact = 100 * numerator / denominator
    assert exact - 10**-decimals - 1e-9 < printed <= exact + 1e-9


facts = st.builds(
    DocumentFact,
    message_id=st.uuids().map(str),
    document_id=st.just("d"),
    sender=st.just(OrganId("H56")),
    block=st.sampled_from(Block),
    level=st.sampled_from(AgencyLevel),
    issued_on=st.dates(dt.date(2026, 10, 25), dt.date(2026, 12, 5)),
    type_name=st.sampled_from(["Công văn", "Quyết định"]),
    verdict=st.sampled_from(Verdict),
    leader_signed=st.booleans(),
    seal_signed=st.booleans(),
    kind=st.sampled_from(DocumentKind),
)
definitions = st.sampled_from([DECREE, NETWORK])


@given(st.lists(facts), definitions)
def test_one_more_signed_document_never_lowers_the_rate(
    documents: list[DocumentFact], definition: RateDefinition
) -> None:
    before = count(documents, definition, period=NOVEMBER)
    after = count([*documents, SIGNED], definition, period=NOVEMBER)
    assert after.numerator * before.denominator >= before.numerator * after.denominator
    assert after.numerator == before.numerator + 1
    assert after.exceptions == before.exceptions


@given(st.lists(facts), st.lists(facts), definitions)
def test_what_is_left_out_never_matters(
    documents: list[DocumentFact],
    others: list[DocumentFact],
    definition: RateDefinition,
) -> None:
    annexes = [replace(each, kind=DocumentKind.ANNEX) for each in others]
    elsewhere = [replace(each, issued_on=dt.date(2025, 1, 1)) for each in others]
    alone = count(documents, definition, period=NOVEMBER)
    together = count([*annexes, *documents, *elsewhere], definition, period=NOVEMBER)
    assert replace(together, excluded=alone.excluded) == alone


@given(st.lists(facts), definitions)
def test_the_parts_add_up_to_the_whole(
    documents: list[DocumentFact], definition: RateDefinition
) -> None:
    report = count(documents, definition, period=NOVEMBER)
    assert report.numerator == sum(each.count.numerator for each in report.blocks)
    assert report.denominator == sum(each.count.denominator for each in report.blocks)
    assert report.numerator + len(report.exceptions) == report.denominator
    left_out = sum(each.documents for each in report.excluded)
    inside = sum(each.issued_on in NOVEMBER for each in documents)
    assert report.denominator + left_out == inside
    assert report.readings[0].count == report.total
    assert (report.rate == "100 %") is (report.numerator == report.denominator > 0)


@given(st.lists(facts), st.randoms())
def test_the_order_of_documents_does_not_matter(
    documents: list[DocumentFact], random: Random
) -> None:
    shuffled = list(documents)
    random.shuffle(shuffled)
    assert count(shuffled, DECREE, period=NOVEMBER) == count(documents, DECREE, period=NOVEMBER)
