"""The fields of an office's document on the wire: for number, date, leaders and seal."""

from collections.abc import Sequence
from typing import Final

from congvan.v1 import signing_pb2
from exchange.errors import ArgumentInvalid
from exchange.wire.signing import read_box
from signer.office.field_places import FieldPlaces, SignaturePlace, TextPlace, leader_field
from signer.office.number_and_date import (
    DATE_FIELD,
    DAY_FIELD,
    MONTH_FIELD,
    NUMBER_FIELD,
    SEAL_FIELD,
    YEAR_FIELD,
    NumberForm,
)

_TEXTS: Final = {
    signing_pb2.OFFICE_FIELD_KIND_NUMBER: NUMBER_FIELD,
    signing_pb2.OFFICE_FIELD_KIND_DATE: DATE_FIELD,
    signing_pb2.OFFICE_FIELD_KIND_DAY: DAY_FIELD,
    signing_pb2.OFFICE_FIELD_KIND_MONTH: MONTH_FIELD,
    signing_pb2.OFFICE_FIELD_KIND_YEAR: YEAR_FIELD,
}
_SIGNATURES: Final = (
    signing_pb2.OFFICE_FIELD_KIND_LEADER,
    signing_pb2.OFFICE_FIELD_KIND_SEAL,
)
_FORMS: Final = {
    signing_pb2.NUMBER_FORM_UNSPECIFIED: NumberForm.LINE,
    signing_pb2.NUMBER_FORM_NUMBER: NumberForm.NUMBER,
    signing_pb2.NUMBER_FORM_DIGITS: NumberForm.DIGITS,
}


def read_fields(fields: Sequence[signing_pb2.OfficeField]) -> FieldPlaces | None:
    """Read which fields to prepare, and where; None where the service is to find out.

    Raises:
        ArgumentInvalid: a kind or a form is unknown, or a field has no box.
        SigningRefused: two fields of one kind, or a box that no page has.

    """
    if not fields:
        return None
    for each in fields:
        if each.kind not in _TEXTS and each.kind not in _SIGNATURES:
            raise ArgumentInvalid("a known value is needed", field="fields.kind")
        if each.number_form not in _FORMS:
            raise ArgumentInvalid("a known value is needed", field="fields.number_form")
        if not each.HasField("box"):
            raise ArgumentInvalid("a box is needed", field="fields.box")
    leaders = [each for each in fields if each.kind == signing_pb2.OFFICE_FIELD_KIND_LEADER]
    seals = [each for each in fields if each.kind == signing_pb2.OFFICE_FIELD_KIND_SEAL]
    if len(seals) > 1:
        raise ArgumentInvalid("one seal at most", field="fields")
    return FieldPlaces(
        texts=tuple(
            TextPlace(name=_TEXTS[each.kind], box=read_box(each.box), form=_FORMS[each.number_form])
            for each in fields
            if each.kind in _TEXTS
        ),
        leaders=tuple(
            SignaturePlace(name=leader_field(place), box=read_box(each.box))
            for place, each in enumerate(leaders, start=1)
        ),
        seal=SignaturePlace(name=SEAL_FIELD, box=read_box(seals[0].box)) if seals else None,
    )
