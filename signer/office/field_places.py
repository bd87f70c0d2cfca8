"""Which fields an office prepares in a document, and where (NĐ 30/2020 Appendix I; pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from signer.errors import (
    FieldsPrepared,
    FieldUnusable,
    NumberAfterSignature,
    PlacementInvalid,
    PlaceNotFound,
)
from signer.office.number_and_date import (
    DATE_FIELD,
    DAY_FIELD,
    LEADER_FIELD,
    MONTH_FIELD,
    NUMBER_FIELD,
    SEAL_FIELD,
    TEXT_FIELDS,
    YEAR_FIELD,
    NumberForm,
)
from signer.office.places import (
    MARGIN_MM,
    date_places,
    leader_place,
    number_place,
    seal_place,
)
from signer.office.prepared_fields import MAX_HEIGHT_MM, MAX_WIDTH_MM
from signer.pages.facts import Area, FieldKind
from signer.pages.text_lines import folded, rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from signer.pages.appearance import Box
    from signer.pages.facts import DocumentFacts, PageFacts, Word

MAX_LEADERS: Final = 10
_HEADING_MM: Final = 80.0
"""How far from the page's upper edge boxes 3 and 4 begin at most: below two or three names."""
_LINE_MM: Final = 6.0
_MIDDLE_BELOW_MM: Final = 1.83
"""How far below the tone of "Số:" the middle of its line lies, in 13 pt: so both stand level."""
_DATE_SHARE: Final = 0.5
"""Box 4 lies in the right half of the page, box 3 in the left."""
_BEHIND_MM: Final = 3.0
"""How close behind the number's blank its printed symbol stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignaturePlace:
    """A signature field to prepare: its name, and where."""

    name: str
    box: Box

    def __post_init__(self) -> None:
        """Refuse names that no field can have, or that mean something else."""
        if not self.name.strip() or "." in self.name or self.name in TEXT_FIELDS:
            raise FieldUnusable(f"no signature field can be called {self.name!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPlace:
    """A field for a text to prepare: one of TEXT_FIELDS, where, and how much of the number."""

    name: str
    box: Box
    form: NumberForm = NumberForm.LINE

    def __post_init__(self) -> None:
        """Refuse other names, and fields that could cover more than a line of the page."""
        if self.name not in TEXT_FIELDS:
            raise FieldUnusable(f"no number or date can be filled into {self.name!r}")
        if self.box.width_mm > MAX_WIDTH_MM or self.box.height_mm > MAX_HEIGHT_MM:
            raise PlacementInvalid(
                f"{self.name}: at most {MAX_WIDTH_MM:g} mm wide and {MAX_HEIGHT_MM:g} mm high"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldPlaces:
    """All the fields that a document gets; those that are left out, it goes without."""

    texts: tuple[TextPlace, ...] = ()
    leaders: tuple[SignaturePlace, ...] = ()
    seal: SignaturePlace | None = None

    def __post_init__(self) -> None:
        """Refuse to prepare nothing, and two fields of one name."""
        if not self.names:
            raise FieldUnusable("no field is asked for")
        if len(set(self.names)) < len(self.names):
            raise FieldUnusable("two fields of one name")
        if len(self.leaders) > MAX_LEADERS:
            raise FieldUnusable(f"more than {MAX_LEADERS} leaders")

    @property
    def signatures(self) -> tuple[SignaturePlace, ...]:
        """The leaders' fields in their order, then the seal's."""
        return (*self.leaders, *((self.seal,) if self.seal is not None else ()))

    @property
    def all(self) -> tuple[TextPlace | SignaturePlace, ...]:
        """All fields, in the order of the office's work."""
        return (*self.texts, *self.signatures)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all fields."""
        return tuple(each.name for each in self.all)


def office_fields(facts: DocumentFacts, *, leaders: tuple[str, ...] = ()) -> FieldPlaces:
    """Return the fields for number, date, leaders and seal at the places that the law gives them.

    leaders: the names of who will sign, as printed; without one, the last that the document names.
    What the page shows already, number or date, gets no field. Raises PlaceNotFound; FieldsPrepared
    or NumberAfterSignature where it is too late to look for places.
    """
    _ensure_unprepared(facts)
    places = [leader_place(facts, name=name)[0] for name in leaders or (None,)]
    heading = _heading(facts.first)
    number = next(_number(heading), None)
    texts = (*((number,) if number is not None else ()), *_date(heading, number))
    return FieldPlaces(
        texts=texts,
        leaders=tuple(
            SignaturePlace(name=leader_field(index), box=box)
            for index, box in enumerate(places, start=1)
        ),
        seal=SignaturePlace(
            name=SEAL_FIELD,
            box=seal_place(facts, leader=places[0], name=leaders[0] if leaders else None),
        ),
    )


def _ensure_unprepared(facts: DocumentFacts) -> None:
    """Refuse documents whose fields or signatures take the places already."""
    fields = [field for page in facts.pages for field in page.fields]
    prepared = [field.name for field in fields if field.name in (LEADER_FIELD, SEAL_FIELD)]
    if prepared:
        raise FieldsPrepared(", ".join(prepared))
    for field in fields:
        if field.kind is FieldKind.SIGNATURE and field.filled:
            raise NumberAfterSignature(f"{field.name} is signed already")


def leader_field(number: int = 1) -> str:
    """Return the name of the first, second, … leader's field."""
    return LEADER_FIELD if number == 1 else f"{LEADER_FIELD}{number}"


def _heading(first: PageFacts) -> PageFacts:
    """Return the first page with the words of its heading alone.

    Subject and preamble cite documents by number and date too ("Nghị định số 30/2020/NĐ-CP ngày
    05 …"), but box 3 begins its line with "Số", and box 4 has a comma before "ngày".
    """
    floor = first.height_mm - _HEADING_MM
    above = tuple(word for word in first.words if word.area.bottom > floor)
    kept = (word for row in rows(above) if _is_heading(row) for word in row)
    return replace(first, words=tuple(kept))


def _is_heading(row: Sequence[Word]) -> bool:
    words = [folded(word.text) for word in row]
    for index, word in enumerate(words):
        if word.rstrip(":") == "số" and index:
            return False
        if word == "ngày" and index and not words[index - 1].endswith(","):
            return False
    return True


def _number(first: PageFacts) -> Iterator[TextPlace]:
    box, labelled = number_place(first)
    if box is None:
        return
    form = NumberForm.LINE
    if labelled:
        form = NumberForm.DIGITS if _symbol_behind(box, first) else NumberForm.NUMBER
    middle = Area.of_box(box).top - _MIDDLE_BELOW_MM if labelled else Area.of_box(box).middle
    yield TextPlace(name=NUMBER_FIELD, box=_as_high_as_a_line(box, middle), form=form)


def _symbol_behind(box: Box, first: PageFacts) -> bool:
    """Whether the symbol, "/QĐ-UBND" or the Party's "-QĐ/TU", is printed behind the blank."""
    blank = Area.of_box(box)
    return any(
        word.text[:1] in "/-"
        and blank.bottom < word.area.middle < blank.top
        and abs(word.area.left - blank.right) < _BEHIND_MM
        for word in first.words
    )


def _date(first: PageFacts, number: TextPlace | None) -> Iterator[TextPlace]:
    if number is not None and number.form is not NumberForm.LINE and not _says_date(first):
        yield TextPlace(name=DATE_FIELD, box=_beside(number.box, first))
        return
    whole, parts = date_places(first)
    if whole is not None:
        yield TextPlace(name=DATE_FIELD, box=_as_high_as_a_line(whole, Area.of_box(whole).middle))
    for name, box in zip((DAY_FIELD, MONTH_FIELD, YEAR_FIELD), parts, strict=True):
        if box is not None:
            yield TextPlace(name=name, box=_as_high_as_a_line(box, Area.of_box(box).middle))


def _says_date(first: PageFacts) -> bool:
    return any(folded(word.text) == "ngày" for word in first.words)


def _beside(number: Box, first: PageFacts) -> Box:
    """Return the place for a whole date in the line of the number, on its right (App. I, II.4)."""
    middle = Area.of_box(number).middle
    area = Area(
        left=first.width_mm * _DATE_SHARE,
        bottom=middle - _LINE_MM / 2,
        right=first.width_mm - MARGIN_MM[3],
        top=middle + _LINE_MM / 2,
    )
    if not first.is_free(area):
        raise PlaceNotFound("no free room for the date in the line of the number")
    return area.on_page(first.number)


def _as_high_as_a_line(box: Box, middle: float) -> Box:
    """Return the box with room for a line of 13 pt and its tones, around its middle.

    What was found is as high as the letters that happen to stand there.
    """
    return replace(box, bottom_mm=round(max(0.0, middle - _LINE_MM / 2), 2), height_mm=_LINE_MM)
