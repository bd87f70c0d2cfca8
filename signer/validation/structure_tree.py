"""What an update may add to the structure tree: an element for each new signature (pure).

ISO 32000-2 §14.7: tagged documents tell screen readers by a tree what is on the page. Software that
signs them (iText, and all that is made with it) adds an element of type Form for the new field. No
page shows the tree, but a reader may hear it: so nothing that was there may change, and what is new
may say no more than that there is this field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.sign.diff_analysis import SuspiciousModification
from pyhanko.sign.diff_analysis.commons import compare_dicts
from pyhanko.sign.diff_analysis.rules_api import AbsoluteContext, ReferenceUpdate, WhitelistRule

from signer.engine.reading import array, dictionary, raw

_TREE: Final = "/StructTreeRoot"
_ELEMENT: Final = frozenset({"/Type", "/S", "/P", "/Pg", "/K"})
_LINK: Final = frozenset({"/Type", "/Obj", "/Pg"})
_GROWING: Final = frozenset({"/K", "/ParentTree", "/ParentTreeNextKey"})
_MAX_NODES: Final = 20_000
_NOTHING: Final = generic.ArrayObject()


class StructureTreeRule(WhitelistRule):
    """Admits new elements for new signature fields at the end of what older elements contain."""

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        """Explain the tree's objects that were written since; refuse any other content."""
        before, after = dictionary(raw(old.root, _TREE)), dictionary(raw(new.root, _TREE))
        written = _parts_written(old, new)
        if before is not None and after is not None and written:
            yield from _Growth(old=old, new=new, added=set()).explain(
                before, after, written=written
            )


def structure_grown_after(reader: PdfFileReader, revision: int) -> bool:
    """Whether a later revision wrote objects of the structure tree anew."""
    signed = reader.get_historical_resolver(revision)
    if dictionary(raw(signed.root, _TREE)) is None:
        return False
    return bool(
        _parts_written(signed, reader.get_historical_resolver(reader.xrefs.total_revisions - 1))
    )


def _parts_written(old: HistoricalResolver, new: HistoricalResolver) -> list[generic.Reference]:
    """Return what looks like parts of the older tree and was written since.

    Those that don't look so stay unexplained.
    """
    xrefs = old.reader.xrefs
    written = {
        reference
        for revision in range(old.revision + 1, new.revision + 1)
        for reference in xrefs.explicit_refs_in_revision(revision)
        if xrefs.get_historical_ref(reference, old.revision) is not None
    }
    return sorted(
        (each for each in written if _is_part(old.get_object(each))),
        key=lambda each: int(each.idnum),
    )


def _is_part(value: object) -> bool:
    return isinstance(value, generic.DictionaryObject) and (
        value.get("/Type") in ("/StructTreeRoot", "/StructElem")
        or {"/S", "/P"} <= value.keys()
        or bool({"/Nums", "/Limits"} & value.keys())
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Growth:
    """The comparison of the tree in two revisions; `added` are the new elements."""

    old: HistoricalResolver
    new: HistoricalResolver
    added: set[generic.Reference]

    def explain(
        self,
        before: generic.DictionaryObject,
        after: generic.DictionaryObject,
        *,
        written: list[generic.Reference],
    ) -> Iterator[ReferenceUpdate]:
        """Explain the tree's root, what grew in it, its index, and the new elements."""
        root = raw(self.new.root, _TREE)
        if not isinstance(root, generic.IndirectObject):
            raise SuspiciousModification("the structure tree is no object of its own")
        compare_dicts(before, after, _GROWING)
        yield from self._explained(root.reference)
        yield from self._contained(before, after, parent=root.reference)
        for reference in written:
            element = self.old.get_object(reference)
            if "/S" in element and "/P" in element:
                grown = self.new.get_object(reference)
                compare_dicts(element, grown, frozenset({"/K"}))
                yield from self._contained(element, grown, parent=reference)
                yield from self._explained(reference)
        yield from self._indexed(before, after)
        for reference in self.added:
            yield from self._explained(reference)

    def _contained(
        self,
        before: generic.DictionaryObject,
        after: generic.DictionaryObject,
        *,
        parent: generic.Reference,
    ) -> Iterator[ReferenceUpdate]:
        """Explain what an element contains: what it did, in this order, and new elements."""
        then, now = _kids(before), _kids(after)
        if now[: len(then)] != then:
            raise SuspiciousModification("elements of the structure tree were moved or removed")
        for kid in now[len(then) :]:
            if not isinstance(kid, generic.IndirectObject):
                raise SuspiciousModification("the structure tree got content")
            self._check_new(kid.reference, parent=parent)
            self.added.add(kid.reference)
        place = raw(after, "/K")
        if now != then and isinstance(place, generic.IndirectObject) and array(place) is not None:
            yield from self._explained(place.reference)

    def _check_new(self, reference: generic.Reference, *, parent: generic.Reference) -> None:
        """Require that the element is new and says nothing but that there is a new signature."""
        element = self.new.get_object(reference)
        if (
            not self.old.is_ref_unassignable(reference)
            or isinstance(element, generic.StreamObject)
            or not isinstance(element, generic.DictionaryObject)
            or not element.keys() <= _ELEMENT
            or element.get("/S") != "/Form"
            or getattr(raw(element, "/P"), "reference", None) != parent
        ):
            raise SuspiciousModification("the structure tree got an element that says more")
        links = _kids(element)
        if len(links) != 1 or not self._links_signature(dictionary(links[0])):
            raise SuspiciousModification("a new element of the structure tree is no signature's")

    def _links_signature(self, link: generic.DictionaryObject | None) -> bool:
        if link is None or isinstance(link, generic.StreamObject) or not link.keys() <= _LINK:
            return False
        target = raw(link, "/Obj")
        widget = dictionary(target)
        if not isinstance(target, generic.IndirectObject) or widget is None:
            return False
        owner = widget if "/FT" in widget else dictionary(raw(widget, "/Parent"))
        is_new: bool = self.old.is_ref_unassignable(target.reference)
        return is_new and owner is not None and owner.get("/FT") == "/Sig"

    def _indexed(
        self, before: generic.DictionaryObject, after: generic.DictionaryObject
    ) -> Iterator[ReferenceUpdate]:
        """Explain the index of elements by number, which only gets the new ones."""
        following = raw(after, "/ParentTreeNextKey")
        if following is not None and not isinstance(following, generic.NumberObject):
            raise SuspiciousModification("the structure tree's next number is none")
        then, _ = _index(raw(before, "/ParentTree"))
        now, nodes = _index(raw(after, "/ParentTree"))
        if any(now.get(number) != value for number, value in then.items()):
            raise SuspiciousModification("the structure tree's index was changed")
        for number in now.keys() - then.keys():
            element = now[number]
            if not isinstance(element, generic.IndirectObject) or (
                element.reference not in self.added
            ):
                raise SuspiciousModification("the structure tree's index got other entries")
        for node in nodes:
            yield from self._explained(node)

    def _explained(self, reference: generic.Reference) -> Iterator[ReferenceUpdate]:
        """Explain a new object, an older one where the signed revision has it in its tree.

        One that the signed revision uses elsewhere, or was waiting for, stays unexplained.
        """
        usages = self.old._get_usages_of_ref(reference)
        if not usages and self.old.is_ref_unassignable(reference):
            yield ReferenceUpdate(reference)
        for path in usages:
            if tuple(path.path[:2]) == ("/Root", _TREE):
                yield ReferenceUpdate(reference, context_checked=AbsoluteContext(path, self.old))


def _kids(element: generic.DictionaryObject) -> list[generic.PdfObject]:
    """Return what an element contains, as it stands."""
    value = raw(element, "/K")
    listed = array(value)
    if listed is not None:
        return [listed.raw_get(index) for index in range(len(listed))]
    return [value] if value is not None else []


def _index(
    tree: generic.PdfObject | None,
) -> tuple[dict[int, generic.PdfObject], list[generic.Reference]]:
    """Read a number tree (ISO 32000-2 §7.9.7): its entries, and the objects it consists of."""
    found: dict[int, generic.PdfObject] = {}
    nodes: list[generic.Reference] = []
    waiting = [tree] if tree is not None else []
    for _ in range(_MAX_NODES):
        if not waiting:
            return found, nodes
        place = waiting.pop()
        if isinstance(place, generic.IndirectObject):
            nodes.append(place.reference)
        node = dictionary(place)
        if node is None or isinstance(node, generic.StreamObject):
            raise SuspiciousModification("the structure tree's index can't be read")
        numbers, kids = raw(node, "/Nums"), raw(node, "/Kids")
        for part in (numbers, kids):
            if isinstance(part, generic.IndirectObject):
                nodes.append(part.reference)
        pairs, branches = array(numbers) or _NOTHING, array(kids) or _NOTHING
        for at in range(0, len(pairs) - 1, 2):
            if found.setdefault(int(pairs[at]), value := pairs.raw_get(at + 1)) is not value:
                raise SuspiciousModification("the structure tree's index has a number twice")
        waiting += [branches.raw_get(at) for at in range(len(branches))]
    raise SuspiciousModification("the structure tree's index is too large")
