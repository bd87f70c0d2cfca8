"""What later revisions changed after a signature, and whether that was allowed (pure).

The engine's difference analysis explains every changed object or refuses; its stock policy counts
filling in any form field as harmless, which lets a prepared form replace what a reader sees. Ours
admits as harmless only what signing and archiving need: new signature fields, filling them,
catalog, DSS, metadata, information dictionary, cross-reference and object streams. Where fields for
number and date were prepared before (NĐ 30/2020), filling each of them once, before the seal, is
harmless too (`signer.office.prepared_fields`). A policy that also admits ordinary form fields is
asked only to tell FORM_FILLED from FORBIDDEN. All compare the form's defaults (/DR, /DA, /Q,
/NeedAppearances) strictly, because viewers build appearances from them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, replace
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.sign.diff_analysis import (
    CatalogModificationRule,
    DiffResult,
    DocInfoRule,
    FieldMDPRule,
    GenericFieldModificationRule,
    MetadataUpdateRule,
    ModificationLevel,
    ObjectStreamRule,
    QualifiedWhitelistRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
    SuspiciousModification,
    XrefStreamRule,
)
from pyhanko.sign.diff_analysis.constants import ROOT_EXEMPT_STRICT_COMPARISON
from pyhanko.sign.fields import FieldMDPSpec, MDPPerm

from signer.engine.idle_frees import WithoutIdleFrees, freed_again_after
from signer.engine.own_numbers import with_own_numbers_free
from signer.engine.reading import ENGINE_ERRORS, array, dictionary, raw, told
from signer.leniencies import Leniency
from signer.office.number_and_date import TEXT_FIELDS
from signer.office.prepared_fields import PreparedField, prepared_fields
from signer.reasons import Reason
from signer.signature_fields import FieldState, signature_fields
from signer.validation import output_intents
from signer.validation.annotation_types import annotations_typed, drop_added_types
from signer.validation.annotations import (
    AnnotationRule,
    WidgetRule,
    WithoutFrees,
    frees_only_annotations,
)
from signer.validation.form_rules import FILLED_KEYS, FormRule, NumberAndDateRule
from signer.validation.overlays import covered_after
from signer.validation.page_copies import (
    pages_with_copies,
    put_resources_in_place,
    resources_copied_after,
)
from signer.validation.store_changes import SecurityStoreRule, store_rewritten_after
from signer.validation.structure_tree import StructureTreeRule, structure_grown_after
from signer.validation.trailer_streams import (
    streams_added,
    streams_missing_since,
    without_missing_streams,
)
from signer.verdicts import Changes

# The engine logs each refused difference with its objects: a stranger's text in our log.
logging.getLogger("pyhanko.sign.diff_analysis").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeJudgement:
    """How the document changed after a signature; `reason` is None where it was harmless.

    leniencies: what was let pass in good judgements; the others name what was not.
    """

    changes: Changes
    reason: Reason | None = None
    detail: str = ""
    leniencies: tuple[Leniency, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Locks:
    """What a signature itself forbids to change: FieldMDP and DocMDP (ISO 32000-2 §12.8.2).

    certifies: whether it is a certification signature, of which a document may have one.
    """

    fields: FieldMDPSpec | None = None
    document: MDPPerm | None = None
    certifies: bool = False


class _Policy(StandardDiffPolicy):
    """The engine's policy over revisions as they are, without what changes nothing in them.

    annotations: whether those may change, as certifications of level 3 permit. pages: those whose
    resources a later revision has elsewhere. typed: annotations that got their type later.
    """

    annotations = False
    pages: tuple[generic.Reference, ...] = ()
    typed: tuple[generic.Reference, ...] = ()

    def review_file(
        self,
        reader: PdfFileReader,
        base_revision: int | HistoricalResolver,
        field_mdp_spec: FieldMDPSpec | None = None,
        doc_mdp: MDPPerm | None = None,
    ) -> DiffResult | SuspiciousModification:
        """Judge all revisions after the signed one, each by itself."""
        if isinstance(base_revision, int):
            base_revision = reader.get_historical_resolver(base_revision)
        signed = without_missing_streams(with_own_numbers_free(base_revision))
        review = copy(self)
        review.pages = pages_with_copies(signed)
        review.typed = annotations_typed(signed)
        return super(_Policy, review).review_file(reader, signed, field_mdp_spec, doc_mdp)

    def apply(
        self,
        old: HistoricalResolver,
        new: HistoricalResolver,
        field_mdp_spec: FieldMDPSpec | None = None,
        doc_mdp: MDPPerm | None = None,
    ) -> DiffResult:
        """Judge one revision against the signed one."""
        plain = WithoutIdleFrees(new.reader, new.revision)
        if self.annotations:
            if not frees_only_annotations(old, plain):
                raise SuspiciousModification("objects of the document were freed")
            plain = WithoutFrees(new.reader, new.revision)
        if plain.idle_frees():
            new = plain
        if streams_added(old, new):
            raise SuspiciousModification("the trailer names another document")
        new = without_missing_streams(new)
        if self.pages or self.typed:
            new = _own_view(new)
            put_resources_in_place(old, new, pages=self.pages)
            drop_added_types(old, new, typed=self.typed)
        return super().apply(old, new, field_mdp_spec, doc_mdp)


def _own_view(resolver: HistoricalResolver) -> HistoricalResolver:
    """Return a view of the same revision whose objects are nobody else's."""
    view = type(resolver)(resolver.reader, resolver.revision)
    view.trailer_view.update(resolver.trailer_view)
    return view


def _policy(*further: FieldMDPRule) -> _Policy:
    field_rules: list[FieldMDPRule] = [
        SigFieldCreationRule(),  # type: ignore[no-untyped-call]
        SigFieldModificationRule(),
        *further,
    ]
    return _Policy(global_rules=_global_rules(), form_rule=FormRule(field_rules=field_rules))


def _global_rules() -> list[QualifiedWhitelistRule]:
    archival = ModificationLevel.LTA_UPDATES
    return [
        CatalogModificationRule(ROOT_EXEMPT_STRICT_COMPARISON | {output_intents.KEY}),  # type: ignore[no-untyped-call]
        output_intents.OutputIntentRule().as_qualified(ModificationLevel.FORM_FILLING),
        DocInfoRule().as_qualified(archival),
        XrefStreamRule().as_qualified(archival),
        ObjectStreamRule().as_qualified(archival),
        SecurityStoreRule().as_qualified(archival),
        MetadataUpdateRule().as_qualified(archival),  # type: ignore[no-untyped-call]
        StructureTreeRule().as_qualified(archival),
    ]


def _annotation_policy() -> _Policy:
    field_rules: list[FieldMDPRule] = [
        SigFieldCreationRule(approve_widget_bindings=False),  # type: ignore[no-untyped-call]
        SigFieldModificationRule(),
        WidgetRule(),
    ]
    annotations = AnnotationRule().as_qualified(ModificationLevel.ANNOTATIONS)
    policy = _Policy(
        global_rules=[*_global_rules(), annotations],
        form_rule=FormRule(field_rules=field_rules),
        reject_object_freeing=False,
    )
    policy.annotations = True
    return policy


_SIGNATURES_ONLY: Final = _policy()
_NUMBER_AND_DATE: Final = _policy(NumberAndDateRule())
_WITH_FORMS: Final = _policy(GenericFieldModificationRule(value_update_keys=FILLED_KEYS))
_WITH_ANNOTATIONS: Final = _annotation_policy()


def read_locks(field: generic.DictionaryObject, value: generic.DictionaryObject) -> Locks:
    """Read what the signature and its field lock; ValueError where they can't be understood."""
    fields: FieldMDPSpec | None = None
    document: MDPPerm | None = None
    for entry in array(raw(value, "/Reference")) or ():
        reference = dictionary(entry)
        parameters = dictionary(raw(reference, "/TransformParams")) if reference else None
        method = str(reference.get("/TransformMethod")) if reference is not None else ""
        if method == "/FieldMDP":
            if parameters is None:
                raise ValueError("FieldMDP without parameters")
            fields = FieldMDPSpec.from_pdf_object(parameters)
        elif method == "/DocMDP":
            # ISO 32000-2 table 257: 2 where /P is absent.
            document = MDPPerm(int(parameters.get("/P", 2)) if parameters is not None else 2)
    certifies = document is not None
    lock = dictionary(raw(field, "/Lock"))
    if document is None and lock is not None and "/P" in lock:
        document = MDPPerm(int(lock["/P"]))
    return Locks(fields=fields, document=document, certifies=certifies)


def judge_changes(
    reader: PdfFileReader,
    revision: int,
    *,
    locks: Locks,
    hollow: frozenset[FieldState],
    sealed_in: int | None = None,
) -> ChangeJudgement:
    """Judge all revisions after `revision`, which a signature covers.

    hollow: the visible signature fields without an intact signature of somebody. One that appeared
    or was filled after `revision` shows something over the signed page that nobody signed: an
    overlay. sealed_in: the first revision that an organisation sealed, after which no number and
    no date may follow (NĐ 30/2020 art. 32.2.d); None where there is none.
    """
    if revision + 1 >= reader.xrefs.total_revisions:
        return ChangeJudgement(changes=Changes.NONE)
    try:
        signed = reader.get_historical_resolver(revision)
        if hollow and hollow - _field_states(signed):
            return _forbidden(Reason.OVERLAY_FIELD, "a visible field without a signature")
        if covered := covered_after(reader, signed):
            return _forbidden(Reason.CONTENT_COVERED, covered)
        policy = _NUMBER_AND_DATE if prepared_fields(signed) else _SIGNATURES_ONLY
        result = policy.review_file(
            reader, revision, field_mdp_spec=locks.fields, doc_mdp=locks.document
        )
        if isinstance(result, DiffResult):
            filled = result.changed_form_fields.intersection(TEXT_FIELDS)
            if not filled or _filled_once(reader, revision, names=filled, sealed_in=sealed_in):
                judgement = _harmless(result, locks, filled=filled)
                return _with_leniencies(judgement, reader, revision=revision)
        generous = _review_generously(reader, revision, locks=locks)
    except ENGINE_ERRORS as error:
        return ChangeJudgement(
            changes=Changes.UNKNOWN,
            reason=Reason.FIELD_UNREADABLE,
            detail=f"changes: {told(error)}",
        )
    if isinstance(generous, DiffResult) and _permitted(generous, locks):
        return ChangeJudgement(
            changes=Changes.FORM_FILLED,
            reason=Reason.FORM_FILLED,
            detail=_filled_in(generous),
        )
    return _forbidden(Reason.DOCUMENT_ALTERED, str(result))


def _review_generously(
    reader: PdfFileReader, revision: int, *, locks: Locks
) -> DiffResult | SuspiciousModification:
    """Ask what at most the signer permitted: a form filled in, and annotations by level 3."""
    asked = [_WITH_FORMS]
    if locks.certifies and locks.document is MDPPerm.ANNOTATE:
        asked.append(_WITH_ANNOTATIONS)
    result: DiffResult | SuspiciousModification = SuspiciousModification("")
    for policy in asked:
        result = policy.review_file(
            reader, revision, field_mdp_spec=locks.fields, doc_mdp=locks.document
        )
        if isinstance(result, DiffResult):
            break
    return result


def _filled_in(result: DiffResult) -> str:
    names = "fields: " + ", ".join(sorted(result.changed_form_fields))
    if result.modification_level is not ModificationLevel.ANNOTATIONS:
        return names
    return "annotations, which the certification permits; " + names


def _filled_once(
    reader: PdfFileReader, revision: int, *, names: Iterable[str], sealed_in: int | None
) -> bool:
    """Whether each field got its value in one revision, kept it, and got it before the seal.

    The engine compares every revision with the signed one alone, so it would not see a value that
    was exchanged for another.
    """
    last = reader.xrefs.total_revisions - 1
    history = [
        prepared_fields(reader.get_historical_resolver(each)) for each in range(revision, last + 1)
    ]
    for name in names:
        states = [_state(fields.get(name)) for fields in history]
        changed = [at for at in range(1, len(states)) if states[at] != states[at - 1]]
        if len(changed) != 1 or (sealed_in is not None and revision + changed[0] > sealed_in):
            return False
    return True


def _state(field: PreparedField | None) -> tuple[str | None, bytes] | None:
    return field.state if field is not None else None


def _field_states(handler: HistoricalResolver) -> frozenset[FieldState]:
    return frozenset(field.state for field in signature_fields(handler))


def _permitted(result: DiffResult, locks: Locks) -> bool:
    return locks.document is None or result.modification_level.value <= locks.document.value


def _harmless(result: DiffResult, locks: Locks, *, filled: set[str]) -> ChangeJudgement:
    if not _permitted(result, locks):
        return _forbidden(Reason.DOCUMENT_ALTERED, "the certification forbids this change")
    if filled:
        return ChangeJudgement(
            changes=Changes.NUMBER_AND_DATE, detail="fields: " + ", ".join(sorted(filled))
        )
    if result.modification_level is ModificationLevel.NONE:
        return ChangeJudgement(changes=Changes.NONE)
    if result.modification_level is ModificationLevel.LTA_UPDATES:
        return ChangeJudgement(changes=Changes.ARCHIVAL)
    return ChangeJudgement(changes=Changes.SIGNATURES)


def _with_leniencies(
    judgement: ChangeJudgement, reader: PdfFileReader, *, revision: int
) -> ChangeJudgement:
    """Name what was let pass, in good judgements alone: the others name what was not."""
    if judgement.reason is not None:
        return judgement
    found = (
        (Leniency.FREED_AGAIN, freed_again_after(reader, revision)),
        (Leniency.STORE_REWRITTEN, store_rewritten_after(reader, revision)),
        (Leniency.OUTPUT_INTENT_ADDED, output_intents.output_intent_added_after(reader, revision)),
        (
            Leniency.ANNOTATION_TYPED,
            bool(annotations_typed(reader.get_historical_resolver(revision))),
        ),
        (Leniency.RESOURCES_COPIED, resources_copied_after(reader, revision)),
        (Leniency.STRUCTURE_GROWN, structure_grown_after(reader, revision)),
        (Leniency.STREAMS_MISSING, streams_missing_since(reader, revision)),
    )
    return replace(judgement, leniencies=tuple(each for each, there in found if there))


def _forbidden(reason: Reason, detail: str) -> ChangeJudgement:
    return ChangeJudgement(changes=Changes.FORBIDDEN, reason=reason, detail=detail)
