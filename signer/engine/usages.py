"""Where a signed revision uses the objects that later ones wrote: as the engine finds it (pure).

The engine reads all objects of the signed revision, once as they are and once for that revision,
and notes every way from the trailer to each of them; then it is asked about a handful: those that
a later revision wrote, and form fields. Here the same objects are read as bare structure, and only
the ways to those few are followed. Why the answer is the same:

- Every object to which the engine could come is read, in the same place, by the engine itself
  where it is not spelt in the usual way. So what makes the engine refuse a document, such as an
  object that is missing or broken, is met here too.
- A way is cut off only at an object from which no other way leads to one that is asked about.
- Whatever goes wrong here leaves the work to the engine, from the beginning and in its own words.

One thing differs, on purpose: the engine's recursion can end in a RecursionError over ways that
lead to nothing that is asked about, such as those along hundreds of bookmarks; here it does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader, RawPdfPath

from signer.engine.bare_objects import (
    OTHER,
    Bare,
    BareObjects,
    Links,
    Path,
    Ref,
    Unusual,
    bare,
    links_of,
)

original_load_usages: Final[Callable[[HistoricalResolver], None]] = (
    HistoricalResolver._load_reverse_xref_cache
)
_PAGES: Final = ("/Root", "/Pages")
_STRUCTURE: Final = ("/Root", "/StructTreeRoot", "/K")
_TRAILER: Final = Ref(0, 0)
"""Stands for the trailer among the objects; no object has this number."""
_MAX_FIELDS: Final = 20_000

_documents: WeakKeyDictionary[PdfFileReader, BareObjects] = WeakKeyDictionary()


def bare_objects(reader: PdfFileReader) -> BareObjects:
    """Return the document's objects as bare structure, read once. Raises Unusual."""
    if reader not in _documents:
        _documents[reader] = BareObjects(reader)
    return _documents[reader]


def load_usages(resolver: HistoricalResolver) -> None:
    """Find where the revision uses what later revisions wrote, in place of the original."""
    if resolver._indirect_object_access_cache is not None:
        return
    try:
        resolver._indirect_object_access_cache = _Usages(resolver)
    except MemoryError:
        raise
    except Exception:  # whatever it is, the original has its own words for it
        original_load_usages(resolver)


class _Usages(dict[generic.Reference, set[RawPdfPath]]):
    """The ways to each object that may be asked about; to all, once another one is asked for."""

    def __init__(self, resolver: HistoricalResolver) -> None:
        self._revision = _Revision(resolver)
        xrefs = resolver.reader.xrefs
        self._expected: set[Ref] | None = {
            Ref(each.idnum, each.generation)
            for later in range(resolver.revision + 1, xrefs.total_revisions)
            for each in xrefs.explicit_refs_in_revision(later)
        }
        self._expected.update(self._revision.fields())
        super().__init__(self._revision.ways(self._expected))

    def __bool__(self) -> bool:
        return True

    def __missing__(self, reference: generic.Reference) -> set[RawPdfPath]:
        expected, self._expected = self._expected, None
        if expected is None or (reference.idnum, reference.generation) in expected:
            self._expected = expected
            raise KeyError(reference)
        self.update(self._revision.ways(None))
        return self[reference]


class _Revision:
    """All objects of one revision that the trailer leads to, and how they lead to each other."""

    def __init__(self, resolver: HistoricalResolver) -> None:
        """Read them all. Raises Unusual, and what the engine raises over broken ones."""
        document = bare_objects(resolver.reader)
        trailer = bare(resolver.trailer_view)
        self._objects: dict[Ref, Bare] = {_TRAILER: trailer}
        self._links: dict[Ref, Links] = {_TRAILER: tuple(links_of(trailer))}
        self._holders: dict[Ref, set[Ref]] = {}
        waiting = [_TRAILER]
        while waiting:
            holder = waiting.pop()
            for _, target in self._links[holder]:
                self._holders.setdefault(target, set()).add(holder)
                if target not in self._objects:
                    self._objects[target], self._links[target] = document.read(target, resolver)
                    waiting.append(target)
        root = self._resolved(self._objects[_TRAILER]["/Root"])
        if type(root) is not dict:
            raise Unusual("no catalog")
        self._root = root
        self._pages = self._page_ways()
        self._structure = self._structure_elements()

    def _resolved(self, value: Bare) -> Bare:
        if type(value) is not Ref:
            return value
        found = self._objects.get(value, OTHER)
        if type(found) is Ref or value not in self._objects:
            raise Unusual("a reference to a reference, or one beside all ways")
        return found

    def _page_ways(self) -> dict[Ref, Path]:
        """Return the one way to each node of the page tree by which the engine enters it."""
        ways: dict[Ref, Path] = {}
        pages = self._root["/Pages"]
        if type(pages) is Ref:
            ways[pages] = _PAGES
        waiting: list[tuple[Bare, Path]] = [(pages, _PAGES)]
        while waiting:
            node, way = waiting.pop()
            kids = self._resolved(self._resolved(node)["/Kids"])
            if type(kids) is not list:
                raise Unusual("kids that are no list")
            for index, kid in enumerate(kids):
                kid_way = (*way, "/Kids", index)
                if type(kid) is Ref:
                    if kid in ways:
                        raise Unusual("the page tree goes in circles")
                    ways[kid] = kid_way
                kid_type = self._resolved(kid).get("/Type")
                if kid_type is OTHER:
                    raise Unusual("a type that is no name")
                if kid_type == "/Pages":
                    waiting.append((kid, kid_way))
        return ways

    def _structure_elements(self) -> frozenset[Ref]:
        """Return the structure elements that are objects of their own."""
        if "/StructTreeRoot" not in self._root:
            return frozenset()
        found: set[Ref] = set()
        alone: set[Ref] = set()
        waiting = [self._resolved(self._root["/StructTreeRoot"])]
        while waiting:
            children = waiting.pop().get("/K")
            if type(children) is Ref:
                alone_before = len(alone)
                alone.add(children)
                if len(alone) == alone_before:
                    raise Unusual("the structure goes in circles")
                children = self._resolved(children)
            for child in children if type(children) is list else [children]:
                element = self._resolved(child)
                if type(element) is not dict:
                    continue
                kind = self._resolved(element.get("/Type", "/StructElem"))
                if kind is OTHER:
                    raise Unusual("a type that is no name")
                if kind != "/StructElem":
                    continue
                if type(child) is Ref:
                    if child in found:
                        raise Unusual("the structure goes in circles")
                    found.add(child)
                waiting.append(element)
        return frozenset(found)

    def fields(self) -> set[Ref]:
        """Return the form's fields and their appearances, which rules may ask about."""
        found: set[Ref] = set()
        try:
            waiting = [self._resolved(self._resolved(self._root["/AcroForm"])["/Fields"])]
            while waiting and len(found) < _MAX_FIELDS:
                for each in waiting.pop():
                    field = self._resolved(each)
                    if each in found or type(field) is not dict:
                        continue
                    found.update(entry for entry in (each, field.get("/AP")) if type(entry) is Ref)
                    kids = self._resolved(field.get("/Kids"))
                    waiting += [kids] if type(kids) is list else []
        except (LookupError, TypeError, AttributeError, Unusual):
            return found
        return found

    def ways(self, targets: set[Ref] | None) -> dict[generic.Reference, set[RawPdfPath]]:
        """Return all ways to each target that the trailer leads to; None: to every object."""
        leading = self._leading(targets)
        walk = _Walk(
            links={
                holder: [
                    (way, target)
                    for way, target in self._links[holder]
                    if targets is None or target in targets or target in leading
                ]
                for holder in leading
            },
            targets=targets,
            pages=self._pages,
            structure=self._structure,
        )
        walk.follow(_TRAILER, (), in_structure=False)
        return {
            generic.Reference(each.number, each.generation): {RawPdfPath(*way) for way in ways}
            for each, ways in walk.found.items()
        }

    def _leading(self, targets: set[Ref] | None) -> set[Ref]:
        """Return what leads to a target, over however many others."""
        if targets is None:
            return set(self._links)
        leading: set[Ref] = set()
        waiting = [target for target in targets if target in self._holders]
        while waiting:
            new = self._holders.get(waiting.pop(), set()) - leading
            leading |= new
            waiting += new
        return leading


class _Walk:
    """One walk from the trailer along all ways without a circle, as the engine's goes."""

    def __init__(
        self,
        *,
        links: dict[Ref, list[tuple[Path, Ref]]],
        targets: set[Ref] | None,
        pages: dict[Ref, Path],
        structure: frozenset[Ref],
    ) -> None:
        self.found: dict[Ref, set[Path]] = {}
        self._links = links
        self._targets = targets
        self._pages = pages
        self._structure = structure
        self._behind: set[Ref] = set()

    def follow(self, holder: Ref, way: Path, *, in_structure: bool) -> None:
        """Follow all links of an object to which a way has led."""
        for part, target in self._links.get(holder, ()):
            if target in self._behind:
                continue
            there = way + part
            inside = in_structure or there[:3] == _STRUCTURE
            # The structure's elements name their parents and pages there.
            if inside and "/P" in (part if in_structure else there[3:]):
                continue
            if self._targets is None or target in self._targets:
                self.found.setdefault(target, set()).add(there)
            # Pages are entered by their way through the tree alone, and so is the structure.
            if self._pages.get(target, there) != there:
                continue
            if target in self._structure and not inside:
                continue
            self._behind.add(target)
            self.follow(target, there, in_structure=inside)
            self._behind.discard(target)
