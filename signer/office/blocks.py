"""Finding where an official document names its signer: position, room, name below it (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from signer.errors import PlaceNotFound
from signer.pages.facts import Area
from signer.pages.text_lines import folded, lines, toneless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from signer.pages.facts import DocumentFacts, PageFacts
    from signer.pages.text_lines import Line

MIN_ROOM_MM: Final = 10.0
MAX_ROOM_MM: Final = 75.0
"""How much room a signature is left between position and name: about 25 mm in daily work."""
_OFF_CENTRE_MM: Final = 12.0
"""How far off each other's centre name and position may stand: both are centred in the column."""
_WIDEST_MM: Final = 95.0
_NEXT_LINE: Final = 0.9
"""Lines closer than this, in heights, belong together."""
_POSITIONS: Final = re.compile(
    r"^(?:(?:TM|KT|TL|TUQ|TUN|Q|T/M|K/T|T/L|T/UQ)[.\s]"
    r"|(?:T/M|K/T|T/L|T/UQ)"
    r"|(?:PHÓ\s+|QUYỀN\s+)*(?:TỔNG\s+|CHỦ\s+NHIỆM|CHỦ\s+TỊCH|GIÁM\s+ĐỐC|BÍ\s+THƯ|CHÁNH"
    r"|TRƯỞNG|CỤC|VỤ|HIỆU|VIỆN|BỘ|THỨ|TỔ|ĐỘI|CHỈ\s+HUY|TƯ\s+LỆNH|CHI\s+CỤC|ĐỒNG\s+CHỦ|THỦ\s+TRƯỞNG|NGƯỜI))"
)
"""NĐ 30/2020 Appendix I, II.7.b: the signer's capacity (TM., KT., TL., TUQ.) and position."""
_RECIPIENTS: Final = folded("Nơi nhận")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerBlock:
    """Where a document names who signs it: the position's lines, the name, and the page."""

    page: int
    position: Area
    name: Area
    name_text: str

    @property
    def centre(self) -> float:
        """The line on which position, signature and name are centred (NĐ 30/2020 App. I, II.7)."""
        return (self.position.centre + self.name.centre) / 2

    @property
    def middle(self) -> float:
        """Halfway between position and name."""
        return (self.position.bottom + self.name.top) / 2

    @property
    def room(self) -> float:
        """How high the room between position and name is, in millimetres."""
        return self.position.bottom - self.name.top


def signer_block(facts: DocumentFacts, name: str | None) -> SignerBlock | None:
    """Return the last block that names the signer, or without a name the last one there is.

    None where the last page has no text at all, as a scan. Raises PlaceNotFound where the text
    names no such signer, or where several may be meant.
    """
    found = [block for page in facts.pages for block in _blocks(page)]
    if name is not None:
        return _named(found, name, facts=facts)
    if not found:
        if facts.pages[-1].is_picture:
            return None
        raise PlaceNotFound("the text shows no position with room and a name below it")
    last = max(found, key=lambda block: (_addressed(facts, block), block.page))
    beside = [block for block in found if block.page == last.page]
    if len(beside) > 1:
        names = ", ".join(block.name_text for block in beside)
        raise PlaceNotFound(f"page {last.page} has several signers: {names}; name one of them")
    return last


def _named(found: Sequence[SignerBlock], name: str, *, facts: DocumentFacts) -> SignerBlock | None:
    ways: tuple[Callable[[str], str], ...] = (folded, toneless)
    for fold in ways:
        blocks = [block for page in facts.pages for block in _blocks(page, fold(name), fold=fold)]
        if blocks:
            return max(
                blocks,
                key=lambda block: (_addressed(facts, block), block.page, -block.name.bottom),
            )
    if found:
        names = ", ".join(dict.fromkeys(block.name_text for block in found))
        raise PlaceNotFound(f"no block for the signature of {name}; the document names {names}")
    if facts.pages[-1].is_picture:
        return None
    raise PlaceNotFound(f"the text doesn't show {name} below a position, with room between")


def _addressed(facts: DocumentFacts, block: SignerBlock) -> bool:
    """Whether the block's page also says who receives the document, as its last page does."""
    page = facts.page(block.page)
    text = folded("".join(word.text for word in page.words)) if page else ""
    return _RECIPIENTS in text


def _blocks(
    page: PageFacts, name: str | None = None, *, fold: Callable[[str], str] = folded
) -> Iterator[SignerBlock]:
    """Yield the blocks of a page: all that show a position, or all that show a (folded) name."""
    found = lines(page.words)
    for text, area in _names(found):
        if name is not None and name not in fold(text):
            continue
        position = _position_above(area, found)
        if position is None or (name is None and not _is_position(position)):
            continue
        room = position[-1].area.bottom - area.top
        if MIN_ROOM_MM <= room <= MAX_ROOM_MM:
            yield SignerBlock(
                page=page.number,
                position=Area.around(line.area for line in position),
                name=area,
                name_text=text,
            )


def _names(found: Sequence[Line]) -> Iterator[tuple[str, Area]]:
    """Yield what may be a name: each line, and each two that stand close under each other."""
    for line in found:
        if line.area.width <= _WIDEST_MM:
            yield line.text, line.area
    for upper, lower in pairwise(found):
        if _belongs(upper, lower) and lower.area.width <= _WIDEST_MM:
            yield f"{upper.text} {lower.text}", Area.around((upper.area, lower.area))


def _position_above(name: Area, found: Sequence[Line]) -> tuple[Line, ...] | None:
    """Return the lines of the position, from the top: the nearest above, and those close to it."""
    above = [
        line
        for line in found
        if line.area.bottom >= name.top - 1
        and line.area.left < name.right
        and line.area.right > name.left
    ]
    if not above:
        return None
    position = [min(above, key=lambda line: line.area.bottom)]
    nearest = position[0].area
    if abs(nearest.centre - name.centre) > _OFF_CENTRE_MM or nearest.width > _WIDEST_MM:
        return None
    for line in sorted(above, key=lambda line: line.area.bottom)[1:]:
        if not _belongs(line, position[0]):
            break
        position.insert(0, line)
    return tuple(position)


def _belongs(upper: Line, lower: Line) -> bool:
    gap = upper.area.bottom - lower.area.top
    height = max(upper.area.height, lower.area.height)
    centred = abs(upper.area.centre - lower.area.centre) <= _OFF_CENTRE_MM
    return -height < gap < _NEXT_LINE * height and centred and upper.area.width <= _WIDEST_MM


def _is_position(position: Sequence[Line]) -> bool:
    return any(line.text == line.text.upper() and _POSITIONS.match(line.text) for line in position)
