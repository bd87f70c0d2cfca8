"""Fill number and date into the fields prepared for them, after the leader signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyhanko.pdf_utils import generic

from signer import limits as limits_module
from signer.creation.opening import document_errors, open_for_update, written_update
from signer.document import admit_source
from signer.errors import FieldUnusable, NumberMissing
from signer.office.field_line import Line, draw_line
from signer.office.lawful_order import Act, ensure_lawful, read_state
from signer.office.number_and_date import NUMBER_FIELD, NumberForm
from signer.office.prepared_fields import PreparedField, prepared_fields
from signer.pdf_values import dictionary

if TYPE_CHECKING:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    from signer.limits import DocumentLimits
    from signer.office.number_and_date import FieldValues
    from signer.source import Source


def fill_fields(
    source: Source, *, values: FieldValues, limits: DocumentLimits = limits_module.DEFAULT
) -> bytes:
    """Return the update that fills in the values; signatures made before stay valid.

    Every empty field is filled, in the letters that were embedded when it was prepared: the number
    upright, the date slanted. Raises DocumentRefused; NumberAfterSignature where nothing was
    prepared before the signature, where that locks the fields, and where they are filled or
    sealed already; NumberMissing where a field gets no value; PlacementInvalid where one doesn't
    fit.
    """
    admit_source(source, limits)
    with document_errors():
        writer = open_for_update(source)
        ensure_lawful(read_state(writer.prev), Act.NUMBER)
        for field in prepared_fields(writer.prev).values():
            if field.value is None:
                _fill(field, values, writer=writer)
        return written_update(writer, source)


def _fill(field: PreparedField, values: FieldValues, *, writer: IncrementalPdfFileWriter) -> None:
    text = values.text(field.name, field.form)
    if text is None:
        raise NumberMissing(field.name)
    is_number = field.name == NUMBER_FIELD
    line = Line(
        text=text,
        font_name=field.font_name,
        slanted=not is_number,
        # Behind a printed "Số:" the number follows at once.
        centred=not (is_number and field.form is NumberForm.NUMBER),
    )
    font = field.fonts.raw_get(field.font_name)
    if not isinstance(font, generic.IndirectObject):
        raise FieldUnusable("the form's font is not an object of its own")
    drawn = draw_line(
        line,
        field.placement,
        font=generic.IndirectObject(font.idnum, font.generation, writer),  # type: ignore[no-untyped-call]
        metrics=field.metrics,
    )
    widget = writer.get_object(
        generic.Reference(field.reference.idnum, field.reference.generation, writer)
    )
    if not isinstance(widget, generic.DictionaryObject):
        raise FieldUnusable(f"{field.name} can't be written")
    widget[generic.NameObject("/V")] = generic.pdf_string(text)
    widget[generic.NameObject("/AP")] = dictionary({"/N": writer.add_object(drawn)})
    writer.mark_update(field.reference)
