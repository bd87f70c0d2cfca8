"""A lawful filling of the number by hand, which a test may spoil."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from signer.office.field_line import Line, draw_line
from signer.office.number_and_date import NUMBER_FIELD
from signer.pages.known_typefaces import Metrics
from signer.pages.placement import placement_of
from signer.pages.typeface import typeface
from signer.pdf_values import dictionary
from tests.support import attacks
from tests.support.lawful import NUMBER

LAWFUL = f"Số: {NUMBER}"


class Filling:
    """A lawful filling of the number by hand, to be spoilt in one respect before it is written."""

    def __init__(self, writer: IncrementalPdfFileWriter, text: str = LAWFUL) -> None:
        self.writer = writer
        self.form = writer.root["/AcroForm"]
        self.widget = attacks._field(writer, NUMBER_FIELD)
        placement = placement_of(self.widget)
        fonts = self.form["/DR"]["/Font"]
        face = typeface()
        metrics = Metrics(widths=face.widths, ascent=face.ascent, descent=face.descent)
        assert placement is not None
        self.drawn = draw_line(
            Line(text=text, font_name="/CvSerif"),
            placement,
            font=fonts.raw_get("/CvSerif"),
            metrics=metrics,
        )
        self.widget[pdf_name("/V")] = generic.pdf_string(text)
        self.appearance = dictionary({"/N": writer.add_object(self.drawn)})
        self.widget[pdf_name("/AP")] = self.appearance
        writer.update_container(self.widget)

    def redraw(self, commands: bytes) -> None:
        self.drawn._data = commands

    def commands(self) -> bytes:
        return bytes(self.drawn.data)


def filled(
    document: bytes, spoil: Callable[[Filling], None] | None = None, text: str = LAWFUL
) -> bytes:
    with attacks.update(document) as (writer, results):
        filling = Filling(writer, text)
        if spoil is not None:
            spoil(filling)
    return results[0]
