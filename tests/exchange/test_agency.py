"""Identifiers of bodies in all the forms in service, and endpoints that check themselves."""

from datetime import UTC, datetime, timedelta

import pytest

from certs.trust.anchors import Block
from exchange.agency import (
    AgencyLevel,
    Endpoint,
    EndpointRole,
    OrganId,
    is_enterprise,
    is_new_form,
    is_old_form,
    is_writable,
    parse_organ_id,
)
from exchange.errors import ArgumentInvalid

START = datetime(2026, 1, 1, tzinfo=UTC)


def endpoint(**changes: object) -> Endpoint:
    values: dict[str, object] = {
        "code": OrganId("H56.90"),
        "name": "Sở Ví dụ",
        "block": Block.STATE,
        "level": AgencyLevel.PROVINCE,
        "valid_from": START,
    }
    return Endpoint(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "000.00.00.H56",
        "H56",
        "G12.18",
        "001.00.20.JB2",
        "28.22.H17",
        "vxp.saas.03",
        "2800000000-001",
    ],
)
def test_every_form_of_identifier_in_service_is_read(text: str) -> None:
    assert parse_organ_id(f" {text}\n") == text


@pytest.mark.parametrize(
    "text", ["", "  ", "null", "NULL", ".H56", "H56/01", "Sở Nội vụ", "H" * 36, "H56\nH57", "-H56"]
)
def test_what_is_no_identifier_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(ArgumentInvalid) as refused:
        parse_organ_id(text)
    assert refused.value.field == "organ_id"


def test_the_strict_forms_are_told_apart() -> None:
    assert is_old_form("000.00.00.H56")
    assert not is_old_form("H56")
    assert is_new_form("H56.90")
    assert is_new_form("H" + "56" + ".ABC" * 8)
    assert not is_new_form("H56" + ".ABC" * 9)
    assert not is_new_form("000.00.00.H56")
    assert not is_new_form("h56")
    assert is_enterprise("2800000000")
    assert is_enterprise("2800000000-001")
    assert not is_enterprise("280000000")
    assert is_writable("000.00.00.H56")
    assert not is_writable("vxp.saas.03")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", "h56"),
        ("code", ""),
        ("name", "  "),
        ("parent", "H56.90"),
        ("parent", "no code"),
        ("certificates", ("AB" * 32,)),
        ("valid_from", datetime(2026, 1, 1)),  # noqa: DTZ001
        ("valid_until", START),
    ],
)
def test_an_endpoint_that_could_not_take_part_is_refused(field: str, value: object) -> None:
    with pytest.raises(ArgumentInvalid) as refused:
        endpoint(**{field: value})
    assert refused.value.field == field


def test_an_endpoint_is_valid_from_its_first_instant_until_before_its_last() -> None:
    until = START + timedelta(days=1)
    limited = endpoint(valid_until=until)
    assert not limited.is_valid_at(START - timedelta(seconds=1))
    assert limited.is_valid_at(START)
    assert not limited.is_valid_at(until)
    assert endpoint().is_valid_at(START + timedelta(days=36_500))


def test_an_endpoint_exchanges_and_does_nothing_else_unless_told_so() -> None:
    assert endpoint().roles == frozenset({EndpointRole.ENDPOINT})
