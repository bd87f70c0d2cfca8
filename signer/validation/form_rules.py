"""What updates may do to a signed document's form, in the terms of the engine's analysis (pure).

The engine's rules are kept, with these differences:
- the form's defaults (/DR, /DA, /Q, /NeedAppearances) are compared strictly, because viewers build
  appearances from them;
- an object that nobody wrote since the signature is no update, whatever the engine lists;
- a document time-stamp that shows nothing is archival with all that belongs to it: DSS and iText
  give it an empty appearance, which the engine takes for something seen, and so for something that
  a certification or a lock forbids. Archiving (EN 319 142-1 §5.5) is admitted with each of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import (
    FieldComparisonContext,
    FieldComparisonSpec,
    FieldMDPRule,
    FormUpdate,
    FormUpdatingRule,
    ModificationLevel,
    SuspiciousModification,
)
from pyhanko.sign.diff_analysis.commons import compare_dicts
from pyhanko.sign.diff_analysis.constants import VALUE_UPDATE_KEYS
from pyhanko.sign.diff_analysis.rules_api import AbsoluteContext

from signer.engine.reading import dictionary, empty_dictionary, raw
from signer.office.prepared_fields import prepared_fields
from signer.signature_fields import is_visible

_TIMESTAMP: Final = "/ETSI.RFC3161"
FILLED_KEYS: Final = VALUE_UPDATE_KEYS | {"/I"}
"""What filling in a field changes: /I of a list says which option is chosen (ISO 32000-2 table
234)."""


class FormRule(FormUpdatingRule):
    """The engine's form rule, strict about defaults and exact about what was updated."""

    def apply(
        self, old: HistoricalResolver, new: HistoricalResolver
    ) -> Iterable[tuple[ModificationLevel, FormUpdate]]:
        """Refuse changed defaults, then judge the fields as the engine does."""
        before = dictionary(raw(old.root, "/AcroForm"))
        after = dictionary(raw(new.root, "/AcroForm"))
        if after is not None:
            _refuse_changed_defaults(before or empty_dictionary(), after)
        unseen: dict[str | None, bool] = {None: False}
        for level, update in super().apply(old, new):
            if not _written_since(update.updated_ref, old):
                continue
            name = update.field_name
            if name not in unseen:
                # What is said first of a new field is said of its own object.
                unseen[name] = _is_unseen_timestamp(update.updated_ref, old, new=new)
            if unseen[name]:
                archival = ModificationLevel.LTA_UPDATES
                yield archival, replace(update, valid_when_locked=True, valid_when_certifying=True)
            else:
                yield level, update


def _written_since(reference: generic.Reference, old: HistoricalResolver) -> bool:
    return bool(old.reader.xrefs.get_last_change(reference) > old.revision)


def _is_unseen_timestamp(
    reference: generic.Reference, old: HistoricalResolver, *, new: HistoricalResolver
) -> bool:
    """Whether it is a new field that shows nothing, locks nothing, and holds a time-stamp."""
    field = new.get_object(reference) if old.is_ref_unassignable(reference) else None
    if not isinstance(field, generic.DictionaryObject) or field.get("/FT") != "/Sig":
        return False
    value = dictionary(raw(field, "/V"))
    if value is None or str(value.get("/SubFilter", "")) != _TIMESTAMP:
        return False
    return not is_visible(field) and "/Lock" not in field and "/SV" not in field


def _refuse_changed_defaults(
    before: generic.DictionaryObject, after: generic.DictionaryObject
) -> None:
    if after.get("/NeedAppearances") and not before.get("/NeedAppearances"):
        raise SuspiciousModification("viewers are told to draw all fields anew")
    for key in ("/DA", "/Q"):
        if key in before and before.get(key) != after.get(key):
            raise SuspiciousModification(f"the form's {key} was changed")
    resources = dictionary(raw(before, "/DR"))
    if resources is not None:
        kept = dictionary(raw(after, "/DR")) or empty_dictionary()
        _refuse_changed_resources(resources, kept)


def _refuse_changed_resources(
    before: generic.DictionaryObject, after: generic.DictionaryObject
) -> None:
    """Allow new default resources, but no old font to be replaced (by reference).

    Only what a default appearance string can name counts; the difference rules judge the rest.
    """
    for category in ("/Font", "/Encoding"):
        old_entries = dictionary(raw(before, category))
        new_entries = dictionary(raw(after, category))
        if old_entries is None:
            continue
        if new_entries is None or any(
            raw(old_entries, name) != raw(new_entries, name) for name in old_entries
        ):
            raise SuspiciousModification(f"the form's default {category} was changed")


class NumberAndDateRule(FieldMDPRule):
    """Admits number and date in fields that were prepared for them, and nothing else of those.

    The value must be one that the law's form knows, and the new appearance one line that says
    just that; all other entries of the field stay as they were.
    """

    def apply(
        self, context: FieldComparisonContext
    ) -> Iterable[tuple[ModificationLevel, FormUpdate]]:
        """Explain the fields that were filled; the others must not have changed at all."""
        after = prepared_fields(context.new)
        for name, before in prepared_fields(context.old).items():
            spec, now = context.field_specs[name], after.get(name)
            if now is None or now.reference != before.reference:
                raise SuspiciousModification(f"{name} is no longer the field that was prepared")
            if before.value is None and now.value is not None:
                yield from self._filled(spec, context, name=name)

    @staticmethod
    def _filled(
        spec: FieldComparisonSpec, context: FieldComparisonContext, *, name: str
    ) -> Iterable[tuple[ModificationLevel, FormUpdate]]:
        compare_dicts(spec.old_field, spec.new_field, frozenset({"/V", "/AP"}))
        field = spec.new_field
        if field is None or spec.new_field_ref is None:
            raise SuspiciousModification(f"{name} is gone")
        appearance = field["/AP"].raw_get("/N").reference
        if not context.old.is_ref_unassignable(appearance):
            raise SuspiciousModification(f"{name} shows an object of the signed revision")
        places = spec.expected_contexts()
        shown = [each for each in places if isinstance(each, AbsoluteContext)]
        if sum("/Annots" in each.path for each in shown) != 1:
            raise SuspiciousModification(f"{name} is not shown in exactly one place")
        for place in places:
            yield (
                ModificationLevel.FORM_FILLING,
                FormUpdate(updated_ref=spec.new_field_ref, field_name=name, context_checked=place),
            )
        yield (
            ModificationLevel.FORM_FILLING,
            FormUpdate(updated_ref=appearance, field_name=name),
        )
