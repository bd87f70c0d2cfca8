"""Changes to comments that a certification permits, told from forbidden ones (pure).

ISO 32000-2 table 257: a certification of level 3 permits to add, change and delete annotations
besides filling in the form. What came so is seen on the page and was signed by nobody, so it is
never harmless: the document stays undetermined, as with a form that was filled in. These rules only
tell what the certifier permitted (FORM_FILLED) from what nobody may do (FORBIDDEN).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import (
    FieldComparisonContext,
    FieldComparisonSpec,
    FormUpdate,
    GenericFieldModificationRule,
    ModificationLevel,
    ReferenceUpdate,
    SuspiciousModification,
    WhitelistRule,
)
from pyhanko.sign.diff_analysis.commons import compare_dicts, qualify
from pyhanko.sign.diff_analysis.rules_api import AbsoluteContext

from signer.engine.idle_frees import WithoutIdleFrees
from signer.engine.reading import array, dictionary, raw
from signer.signature_fields import signature_fields
from signer.validation.form_rules import FILLED_KEYS

_PASSIVE: Final = frozenset({"/GoTo", "/URI", "/Named"})
"""Actions that open nothing but a place, or a site that the reader is asked about."""
_LOOKS: Final = frozenset({"/MK", "/BS", "/Border", "/C"})
_ANNOTATIONS: Final = "/Annots"
_MAX_DEPTH: Final = 64
_MAX_PARTS: Final = 5_000


class AnnotationRule(WhitelistRule):
    """Admits changes to annotations, but to no signature's, and none that runs anything."""

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        """Explain the pages and annotations that this revision wrote."""
        fields = {field.number for field in signature_fields(new)}
        written = new.explicit_refs_in_revision()  # type: ignore[no-untyped-call]
        for reference in written:
            if _is_there(reference, old) and _is_there(reference, new):
                yield from self._rewritten(reference, old=old, new=new, fields=fields)
            elif _is_there(reference, old) and _only_below_annotations(reference, old):
                yield ReferenceUpdate(reference)

    def _rewritten(
        self,
        reference: generic.Reference,
        *,
        old: HistoricalResolver,
        new: HistoricalResolver,
        fields: set[int],
    ) -> Iterator[ReferenceUpdate]:
        before, after = old.get_object(reference), new.get_object(reference)
        if isinstance(before, generic.ArrayObject) and isinstance(after, generic.ArrayObject):
            if _only_below_annotations(reference, old):
                yield from _compared(before, after, old=old, new=new, fields=fields)
                yield ReferenceUpdate(reference)
        elif not isinstance(before, generic.DictionaryObject):
            return
        elif before.get("/Type") == "/Page":
            compare_dicts(before, after, frozenset({_ANNOTATIONS}))
            lists = array(raw(before, _ANNOTATIONS)), array(raw(after, _ANNOTATIONS))
            nothing = generic.ArrayObject()
            then, now = (each if each is not None else nothing for each in lists)
            yield from _compared(then, now, old=old, new=new, fields=fields)
            yield ReferenceUpdate(reference)
            place = raw(after, _ANNOTATIONS)
            if isinstance(place, generic.IndirectObject) and old.is_ref_unassignable(
                place.reference
            ):
                yield ReferenceUpdate(place.reference)
        elif _is_comment(before) and _is_comment(after):
            compare_dicts(before, after, frozenset(before.keys() | after.keys()) - {"/Subtype"})
            yield from _annotation(reference, old=old, new=new)


def _compared(
    then: generic.ArrayObject,
    now: generic.ArrayObject,
    *,
    old: HistoricalResolver,
    new: HistoricalResolver,
    fields: set[int],
) -> Iterator[ReferenceUpdate]:
    """Explain what came to a page's annotations; a signature's must stay."""
    before, after = set(_references(then)), set(_references(now))
    for reference in before - after:
        if _is_signature(old.get_object(reference)):
            raise SuspiciousModification("a signature was taken from the page")
    for reference in after - before:
        value = new.get_object(reference)
        if reference.idnum in fields or _is_signature(value):
            continue  # the form's rules judge it
        if not _is_comment(value) or not old.is_ref_unassignable(reference):
            raise SuspiciousModification("what was added to the page is no comment")
        yield from _annotation(reference, old=old, new=new)


def _references(listed: generic.ArrayObject) -> Iterator[generic.Reference]:
    for index in range(len(listed)):
        item = listed.raw_get(index)
        if not isinstance(item, generic.IndirectObject):
            raise SuspiciousModification("an annotation is no object of its own")
        yield item.reference


def _annotation(
    reference: generic.Reference, *, old: HistoricalResolver, new: HistoricalResolver
) -> Iterator[ReferenceUpdate]:
    """Explain an annotation and the new objects that it consists of."""
    _refuse_active(new.get_object(reference))
    if old.is_ref_unassignable(reference):
        yield ReferenceUpdate(reference)
    for path in old._get_usages_of_ref(reference):
        if _ANNOTATIONS in path.path:
            yield ReferenceUpdate(reference, context_checked=AbsoluteContext(path, old))
    annotation = new.get_object(reference)
    for part in new.collect_dependencies(annotation, since_revision=old.revision + 1):
        if old.is_ref_unassignable(part) and not old._get_usages_of_ref(part):
            _refuse_active(new.get_object(part))
            yield ReferenceUpdate(part)


def _refuse_active(value: object) -> None:
    """Refuse what does anything by itself: scripts, programs, other documents."""
    waiting = [value]
    for _ in range(_MAX_PARTS):
        if not waiting:
            return
        part = waiting.pop()
        if isinstance(part, generic.DictionaryObject):
            if {"/AA", "/JS", "/RichMedia"} & part.keys():
                raise SuspiciousModification("a comment runs a script")
            action = dictionary(raw(part, "/A"))
            if action is not None and action.get("/S") not in _PASSIVE:
                raise SuspiciousModification("a comment does something by itself")
            waiting += [raw(part, key) for key in part]
        elif isinstance(part, generic.ArrayObject):
            waiting += [part.raw_get(index) for index in range(len(part))]
    raise SuspiciousModification("a comment is too large")


def _is_comment(value: object) -> bool:
    return (
        isinstance(value, generic.DictionaryObject)
        and not isinstance(value, generic.StreamObject)
        and "/Rect" in value
        and value.get("/Subtype") not in (None, "/Widget", "/Screen", "/Movie", "/3D", "/RichMedia")
        and not {"/FT", "/Kids"} & value.keys()
    )


def _is_signature(value: object) -> bool:
    """Whether it is a signature field's widget, or may be."""
    node = value if isinstance(value, generic.DictionaryObject) else None
    for _ in range(_MAX_DEPTH):
        if node is None:
            return False
        if "/FT" in node:
            return bool(node.get("/FT") == "/Sig")
        node = dictionary(raw(node, "/Parent"))
    return True


def _is_there(reference: generic.Reference, resolver: HistoricalResolver) -> bool:
    xrefs = resolver.reader.xrefs
    return xrefs.get_historical_ref(reference, resolver.revision) is not None


def _only_below_annotations(reference: generic.Reference, old: HistoricalResolver) -> bool:
    usages = old._get_usages_of_ref(reference)
    return bool(usages) and all(_ANNOTATIONS in path.path for path in usages)


def frees_only_annotations(old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """Whether what this revision frees belonged to annotations alone."""
    old._load_reverse_xref_cache()  # type: ignore[no-untyped-call]
    freed = new.refs_freed_in_revision()  # type: ignore[no-untyped-call]
    return all(_only_below_annotations(each, old) for each in freed)


class WithoutFrees(WithoutIdleFrees):
    """A revision without what it frees, once that was judged by itself."""

    def idle_frees(self) -> set[generic.Reference]:
        """Return all that this revision frees."""
        return HistoricalResolver.refs_freed_in_revision(self)  # type: ignore[no-untyped-call,no-any-return]


class WidgetRule(GenericFieldModificationRule):
    """Admits besides that a field's frame and colours change, or that it is taken from the page."""

    def __init__(self) -> None:
        super().__init__(value_update_keys=FILLED_KEYS | _LOOKS)

    def check_form_field(
        self, fq_name: str, spec: FieldComparisonSpec, context: FieldComparisonContext
    ) -> Iterable[tuple[ModificationLevel, FormUpdate]]:
        """Explain a field without its widgets, any other as filled in."""
        before, after = spec.old_field, spec.new_field
        if before is None or after is None or spec.field_type == "/Sig" or "/Kids" in after:
            return super().check_form_field(fq_name, spec, context)
        kids = [dictionary(each) for each in array(raw(before, "/Kids")) or ()]
        if not kids or any(kid is None or "/T" in kid for kid in kids):
            return super().check_form_field(fq_name, spec, context)
        compare_dicts(before, after, frozenset({"/Kids"}))
        return qualify(ModificationLevel.FORM_FILLING, _updates(spec, context.old, name=fq_name))


def _updates(
    spec: FieldComparisonSpec, old: HistoricalResolver, *, name: str
) -> Generator[FormUpdate, None, None]:
    """Explain the field where the form and the annotations have it."""
    if spec.old_field_ref is None or spec.new_field_ref != spec.old_field_ref:
        return
    for path in old._get_usages_of_ref(spec.old_field_ref):
        in_form = tuple(path.path[:3]) == ("/Root", "/AcroForm", "/Fields")
        if in_form or _ANNOTATIONS in path.path:
            place = AbsoluteContext(path, old)
            yield FormUpdate(updated_ref=spec.new_field_ref, field_name=name, context_checked=place)
