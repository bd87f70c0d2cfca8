"""Sign a PDF document: prepare it, digest it, sign the digest, embed the signature (PAdES).

Nothing is written over: the signature is an incremental update, all bytes before it stay. Errors
of keys and of time-stamping (`certs.errors`) pass unchanged; all others are `signer.errors`.
"""

from __future__ import annotations

import asyncio
import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from functools import partial
from io import BytesIO
from typing import IO, TYPE_CHECKING, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.form_tools import get_single_field_annot
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import FormFillingError, PdfDecodeLimitError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
from pyhanko.stamp.noop import NoOpStampStyle

from certs.errors import CertificateExpired, CertificateNotYetValid, CertsError, TsaAnswerInvalid
from signer import limits as limits_module
from signer.appearance import Appearance, Box, check_appearance
from signer.credential import Credential, credential_of
from signer.document import admit
from signer.drawing import draw, draw_nothing
from signer.errors import (
    DocumentEncrypted,
    DocumentMalformed,
    DocumentTooLarge,
    FieldUnusable,
    LevelUnavailable,
    PlacementInvalid,
    SignerError,
    TextUnprintable,
    TimestamperMissing,
)
from signer.limits import DocumentLimits
from signer.placement import Placement, page_index, place, placement_of
from signer.target_field import TargetField, choose_field, ensure_changes_allowed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest

    from certs.keys import SigningKey
    from certs.timestamping import Timestamper

VIETNAM_TIME: Final = timezone(timedelta(hours=7))
INLINE_BYTES: Final = 2_000_000
"""Larger documents are prepared in a thread, so that hashing them doesn't hold up the others."""
TIMESTAMP_BYTES: Final = 8192
"""Room for a time-stamp token with its certificates; larger ones cost a second attempt."""
_ATTEMPTS: Final = 3
_GROWTH_BYTES: Final = 512
"""How much more than last time a time-stamp token may take in the next attempt."""


class Level(StrEnum):
    """Baseline levels of PAdES signatures (EN 319 142-1 §6)."""

    B_B = "B-B"
    B_T = "B-T"
    B_LT = "B-LT"
    B_LTA = "B-LTA"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRequest:
    """What signature to make.

    signed_at: the time claimed in the signature dictionary (/M), aware; the clock is the caller's.
    field_name: of an empty signature field to sign or of a new one; None names a new one.
    appearance: None makes an invisible signature, or leaves an existing visible field blank.
    reason, location: texts of the signature dictionary, kept in Unicode NFC.
    """

    level: Level
    signed_at: datetime
    field_name: str | None = None
    appearance: Appearance | None = None
    reason: str | None = None
    location: str | None = None

    def __post_init__(self) -> None:
        """Refuse a time without zone and an empty name; bring the texts to NFC."""
        if self.signed_at.tzinfo is None:
            raise ValueError("signed_at must be an aware datetime")
        object.__setattr__(self, "signed_at", self.signed_at.astimezone(UTC))
        if self.field_name is not None and not self.field_name.strip():
            raise FieldUnusable("the name is empty")
        for name in ("reason", "location"):
            text = getattr(self, name)
            if text is not None:
                object.__setattr__(self, name, unicodedata.normalize("NFC", text))


@dataclass(frozen=True, slots=True, kw_only=True)
class _PreparedDocument:
    """A document complete but for the signature's value, which `embed` puts into its gap."""

    output: IO[bytes]
    byte_ranges: PreparedByteRangeDigest

    @property
    def digest(self) -> bytes:
        return self.byte_ranges.document_digest

    def embed(self, container: bytes) -> bytes:
        self.byte_ranges.fill_with_cms(self.output, container)
        self.output.seek(0)
        return self.output.read()


async def sign(
    document: bytes,
    *,
    key: SigningKey,
    request: SigningRequest,
    timestamper: Timestamper | None = None,
    limits: DocumentLimits = limits_module.DEFAULT,
) -> bytes:
    """Return the document with a PAdES signature added (EN 319 142-1, ETSI.CAdES.detached).

    document: a whole PDF file; signatures in it stay valid. The timestamper is asked for level
    B-T only, and B-T never becomes B-B: without a time-stamp nothing is returned.
    Raises DocumentRefused, SigningRefused; CertificateRefused when the certificate is not valid
    at request.signed_at; KeyUnusable and TimestampFailed as the key and the timestamper do.
    """
    stamper = _timestamper_for(request.level, timestamper)
    credential = credential_of(key.certificate, key.chain)
    _check_request(request, credential, limits=limits)
    admit(document, limits)
    prepare = partial(_prepare, document, credential=credential, request=request)
    reserve = credential.max_container_bytes + (TIMESTAMP_BYTES if stamper else 0)
    for _ in range(_ATTEMPTS):
        with _document_errors():
            if len(document) > INLINE_BYTES:
                prepared = await asyncio.to_thread(prepare, reserve)
            else:
                prepared = prepare(reserve)
        container = await credential.sign_digest(prepared.digest, key=key, timestamper=stamper)
        if len(container) <= reserve:
            return prepared.embed(container)
        reserve = len(container) + _GROWTH_BYTES
    raise TsaAnswerInvalid("its tokens grow with every request")


def _timestamper_for(level: Level, timestamper: Timestamper | None) -> Timestamper | None:
    if level is Level.B_B:
        return None
    if level is not Level.B_T:
        raise LevelUnavailable(level)
    if timestamper is None:
        raise TimestamperMissing(level)
    return timestamper


def _check_request(
    request: SigningRequest, credential: Credential, *, limits: DocumentLimits
) -> None:
    if request.signed_at < credential.valid_from:
        raise CertificateNotYetValid(f"valid from {credential.valid_from.isoformat()}")
    if request.signed_at > credential.valid_until:
        raise CertificateExpired(f"valid until {credential.valid_until.isoformat()}")
    if request.appearance is not None:
        check_appearance(request.appearance, limits)
    for text in (request.reason, request.location, request.field_name):
        if text is not None and len(text) > limits.max_line_characters:
            raise TextUnprintable(f"a text is longer than {limits.max_line_characters} characters")


def _prepare(
    document: bytes, reserve: int, *, credential: Credential, request: SigningRequest
) -> _PreparedDocument:
    """Write the document with an empty signature of `reserve` bytes and digest it."""
    writer = _open(document)
    target = choose_field(writer.prev, request.field_name)
    box = request.appearance.box if request.appearance else None
    placement = _placement(request.appearance, target, writer=writer)
    ensure_changes_allowed(writer.prev, target, visible=placement is not None)
    session = PdfSigner(
        PdfSignatureMetadata(
            field_name=target.name,
            md_algorithm=credential.digest_algorithm,
            subfilter=SigSeedSubFilter.PADES,
            reason=request.reason,
            location=request.location,
        ),
        credential.engine,
        stamp_style=NoOpStampStyle(),
        new_field_spec=_new_field(target, box, placement=placement, writer=writer),
    ).init_signing_session(writer)
    session.system_time = request.signed_at.astimezone(VIETNAM_TIME)
    _refuse_unmet_demand(session.timestamper is not None, request)
    if placement is not None:
        annotation = get_single_field_annot(session.sig_field)
        _show(request.appearance, annotation, placement=placement, writer=writer)
    # pyHanko counts the hexadecimal digits of /Contents, two a byte.
    ready = session.prepare_tbs_document(validation_info=None, bytes_reserved=2 * reserve)
    byte_ranges, output = ready.digest_tbs_document()
    return _PreparedDocument(output=output, byte_ranges=byte_ranges)


def _open(document: bytes) -> IncrementalPdfFileWriter:
    reader = PdfFileReader(BytesIO(document), strict=True)
    if "/Encrypt" in reader.trailer.flatten():
        raise DocumentEncrypted
    if reader.xrefs.hybrid_xrefs_present:
        raise DocumentMalformed("hybrid cross-references show two documents: save it anew")
    return IncrementalPdfFileWriter.from_reader(reader)


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


@contextmanager
def _document_errors() -> Iterator[None]:
    """Turn whatever reading or changing a document raises into one of our errors.

    No key and no service takes part in it: what fails, fails because of the document.
    """
    try:
        yield
    except (SignerError, CertsError):
        raise
    except (PdfDecodeLimitError, MemoryError) as error:
        raise DocumentTooLarge(_told(error)) from error
    except FormFillingError as error:
        raise FieldUnusable(_told(error)) from error
    except Exception as error:  # engines raise anything on strangers' bytes
        raise DocumentMalformed(_told(error)) from error


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}" if str(error) else type(error).__name__
