"""Prepare a document for its signature: the field, what is seen of it, and an empty gap.

This is the way through the engine (pyHanko), which every document can go; `signer.fastlane.lane` is
the quick one for documents of the plain kind, and gives the same bytes.
"""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.form_tools import get_single_field_annot
from pyhanko.sign.fields import (
    FieldMDPAction,
    FieldMDPSpec,
    MDPPerm,
    SigFieldSpec,
    SigSeedSubFilter,
)
from pyhanko.sign.signers.pdf_byterange import PdfByteRangeDigest
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
from pyhanko.stamp.noop import NoOpStampStyle

from signer import limits as limits_module
from signer.creation.opening import document_errors, open_for_update, pending_update
from signer.creation.requests import Level
from signer.creation.target_field import TargetField, choose_field, ensure_changes_allowed
from signer.engine.reading import accelerated
from signer.errors import (
    DocumentMalformed,
    DocumentTooLarge,
    FieldUnusable,
    PlacementInvalid,
)
from signer.pages.archival import archival_rules
from signer.pages.drawing import draw, draw_nothing
from signer.pages.placement import NOWHERE, Placement, page_index, place, placement_of

if TYPE_CHECKING:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.signers.pdf_signer import PdfSigningSession

    from signer.creation.credential import Credential
    from signer.creation.requests import FieldLock, SigningRequest
    from signer.creation.update import PendingUpdate
    from signer.limits import DocumentLimits
    from signer.pages.appearance import Appearance, Box
    from signer.source import Source

VIETNAM_TIME: Final = timezone(timedelta(hours=7))


def prepare_update(
    source: Source, *, credential: Credential, request: SigningRequest, reserve: int
) -> PendingUpdate:
    """Return the update that adds the signature, with room for a CMS object of `reserve` bytes.

    Raises DocumentRefused, or SigningRefused where the document doesn't take this signature.
    """
    with document_errors(), accelerated():
        writer = open_for_update(source)
        _refuse_too_many_pages(writer, limits_module.DEFAULT)
        target = choose_field(writer.prev, request.field_name)
        session = _session(writer, target, credential=credential, request=request)
        # pyHanko counts the hexadecimal digits of /Contents, two a byte.
        session.prepare_tbs_document(validation_info=None, bytes_reserved=2 * reserve)
        return pending_update(
            writer, source, signature=_signature_of(session), field_name=target.name
        )


def _refuse_too_many_pages(writer: IncrementalPdfFileWriter, limits: DocumentLimits) -> None:
    count = writer.root["/Pages"]["/Count"]
    if isinstance(count, int) and count > limits.max_pages:
        raise DocumentTooLarge(f"{count} pages, the limit is {limits.max_pages}")


def _session(
    writer: IncrementalPdfFileWriter,
    target: TargetField,
    *,
    credential: Credential,
    request: SigningRequest,
) -> PdfSigningSession:
    box = request.appearance.box if request.appearance else None
    placement = _placement(request.appearance, target, writer=writer)
    ensure_changes_allowed(
        writer.prev,
        target,
        visible=placement is not None,
        certifies=request.certification is not None,
    )
    session = PdfSigner(
        PdfSignatureMetadata(
            field_name=target.name,
            md_algorithm=credential.digest_algorithm,
            subfilter=SigSeedSubFilter.PADES,
            reason=request.reason,
            location=request.location,
            certify=request.certification is not None,
            docmdp_permissions=MDPPerm(request.certification or MDPPerm.FILL_FORMS),
        ),
        credential.engine,
        stamp_style=NoOpStampStyle(),
        new_field_spec=_new_field(target, box, placement=placement, writer=writer),
    ).init_signing_session(writer)
    session.system_time = request.signed_at.astimezone(VIETNAM_TIME)
    _refuse_unmet_demand(session.timestamper is not None, request)
    if request.lock is not None:
        _lock(session.sig_field, request.lock, writer=writer)
    if placement is None and archival_rules(writer).fields_are_drawn:
        placement = NOWHERE
    if placement is not None:
        annotation = get_single_field_annot(session.sig_field)
        _show(request.appearance, annotation, placement=placement, writer=writer)
    return session


def _signature_of(session: PdfSigningSession) -> PdfByteRangeDigest:
    signature = session.sig_field["/V"]
    if not isinstance(signature, PdfByteRangeDigest):
        raise DocumentMalformed("the field holds another value than its signature")
    return signature


def _placement(
    appearance: Appearance | None, target: TargetField, *, writer: IncrementalPdfFileWriter
) -> Placement | None:
    """Return where the signature is seen, None for an invisible one."""
    if target.existing is None:
        if appearance is None:
            return None
        if appearance.box is None:
            raise PlacementInvalid("a new field needs a box")
        return place(appearance.box, writer)
    placement = placement_of(get_single_field_annot(target.existing))
    if appearance is not None and appearance.box is not None:
        raise PlacementInvalid(f"the field {target.name} has its place already: leave the box out")
    if appearance is not None and placement is None:
        raise PlacementInvalid(f"the field {target.name} is invisible")
    return placement


def _new_field(
    target: TargetField,
    box: Box | None,
    *,
    placement: Placement | None,
    writer: IncrementalPdfFileWriter,
) -> SigFieldSpec | None:
    if target.existing is not None or box is None or placement is None:
        return None
    return SigFieldSpec(
        sig_field_name=target.name,
        on_page=page_index(box, writer),
        box=placement.rect,  # type: ignore[arg-type] # the engine rounds and writes reals
    )


def _lock(
    field: generic.DictionaryObject, lock: FieldLock, *, writer: IncrementalPdfFileWriter
) -> None:
    """Give the field its /Lock; the engine derives the signature's FieldMDP from it."""
    if "/Lock" in field:
        raise FieldUnusable("the field has a lock of its own already")
    spec = SigFieldSpec(
        sig_field_name="",
        field_mdp_spec=FieldMDPSpec(FieldMDPAction(f"/{lock.action}"), fields=list(lock.fields)),
        doc_mdp_update_value=MDPPerm(lock.permission) if lock.permission else None,
    )
    described = spec.format_lock_dictionary()
    if described is not None:
        field[generic.NameObject("/Lock")] = writer.add_object(described)
        writer.update_container(field)


def _show(
    appearance: Appearance | None,
    annotation: generic.DictionaryObject,
    *,
    placement: Placement,
    writer: IncrementalPdfFileWriter,
) -> None:
    if appearance is None:
        seen = draw_nothing(placement, writer)
    else:
        seen = draw(appearance, placement, writer=writer)
    annotation[generic.NameObject("/AP")] = seen
    annotation.pop(generic.NameObject("/AS"), None)
    writer.update_container(annotation)


def _refuse_unmet_demand(wants_timestamp: bool, request: SigningRequest) -> None:
    if wants_timestamp and request.level is Level.B_B:
        raise FieldUnusable("the field demands a time-stamp: ask for level B-T")
