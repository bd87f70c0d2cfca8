"""What is seen of a signature, as objects of a document of the plain kind (pure).

Text is drawn by `signer.pages.drawing`, as for the engine: only the taking of new objects is done
here.
"""

from __future__ import annotations

from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING

from pyhanko.pdf_utils import generic

from signer.engine.reading import accelerated
from signer.fastlane.tables import decoded
from signer.fastlane.tokens import Entries, NotPlain, reference_of
from signer.pages.drawing import draw
from signer.pdf_values import dictionary

if TYPE_CHECKING:
    from collections.abc import Callable

    from signer.fastlane.reading import PlainDocument
    from signer.pages.appearance import Appearance
    from signer.pages.placement import Placement


class Objects:
    """Takes the objects of a drawing for a document: each is written at once, by `add`."""

    def __init__(
        self, document: PlainDocument, catalog: Entries, *, add: Callable[[bytes], int]
    ) -> None:
        self._document = document
        self._catalog = catalog
        self._add = add

    @cached_property
    def root(self) -> generic.DictionaryObject:
        """What of the catalog says whether the document is PDF/A (signer.pages.archival)."""
        described = self._catalog.get(b"/Metadata")
        if described is None:
            return dictionary({})
        entries, encoded = self._document.stream(reference_of(described))
        metadata = generic.StreamObject(stream_data=decoded(encoded, entries))
        return dictionary({"/Metadata": metadata, "/OutputIntents": (0,) * self._has_intent})

    def add_object(self, drawn: generic.PdfObject) -> generic.IndirectObject:
        """Add an object, and return the reference to it."""
        written = BytesIO()
        drawn.write_to_stream(written, None)
        number = self._add(written.getvalue())
        return generic.IndirectObject(number, 0, None)  # type: ignore[no-untyped-call]

    @property
    def _has_intent(self) -> bool:
        intents = self._catalog.get(b"/OutputIntents", b"[ ]")
        if not intents.startswith(b"["):
            intents = self._document.value(reference_of(intents))
        if not intents.startswith(b"["):
            raise NotPlain("no list of intents")
        return intents != b"[ ]"


def text_seen(appearance: Appearance, placement: Placement, *, objects: Objects) -> bytes:
    """Return the /AP of a signature's text. Raises TextUnprintable, or PlacementInvalid."""
    if appearance.picture is not None:
        raise NotPlain("a picture, which may be anybody's, is not decoded in this process")
    seen = BytesIO()
    with accelerated():  # it has many names to write
        draw(appearance, placement, writer=objects).write_to_stream(seen, None)
    return seen.getvalue()


def nothing_seen(placement: Placement, *, add: Callable[[bytes], int]) -> bytes:
    """Return the /AP of a field that shows nothing, as `signer.pages.drawing.draw_nothing` does."""
    written = b"<<\n/Type /XObject\n/Subtype /Form\n/BBox %b\n/Matrix [ %d %d %d %d 0 0 ]\n" % (
        written_reals((0, 0, round(placement.width, 4), round(placement.height, 4))),
        *placement.matrix,
    )
    number = add(b"%b/Resources <<\n>>\n/Length 0\n>>\nstream\n\nendstream" % written)
    return b"<<\n/N %d 0 R\n>>" % number


def written_reals(numbers: tuple[float, ...]) -> bytes:
    """Return an array of numbers as the engine writes it."""
    reals = [repr(generic.FloatObject(each)) for each in numbers]  # type: ignore[no-untyped-call]
    return b"[ %b ]" % " ".join(reals).encode("ascii")
