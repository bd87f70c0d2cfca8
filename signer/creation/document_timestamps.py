"""Document time-stamps: an update of its own whose signature is an RFC 3161 token over the file.

EN 319 142-1 §5.4.3, ISO 32000-2 §12.8.5: a field that shows nothing, with a /DocTimeStamp in it.
Allowed even where a certification forbids all changes (ISO 32000-2 Table 257).
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from pyhanko.pdf_utils import generic
from pyhanko.sign.fields import SigFieldSpec
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigObjSetup
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp

from certs.errors import TsaAnswerInvalid
from signer.creation.opening import document_errors, open_for_update, pending_update
from signer.engine.reading import array, dictionary, raw
from signer.errors import ContainerTooLarge
from signer.pages.archival import archival_rules
from signer.pages.drawing import draw_nothing
from signer.pages.placement import NOWHERE

if TYPE_CHECKING:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    from certs.timestamping import Timestamper
    from signer.creation.update import PendingUpdate
    from signer.source import Source

TOKEN_BYTES: Final = 8192
"""Room for a token with its certificates; larger ones cost a second attempt."""
GROWTH_BYTES: Final = 512
"""How much more than the last one a token of the same authority may take."""
INLINE_BYTES: Final = 2_000_000
_ATTEMPTS: Final = 3
_NAME_STEM: Final = "Timestamp"
_PDF_1_7: Final = (1, 7)
_PDF_2: Final = (2, 0)


async def timestamp_update(
    source: Source,
    *,
    timestamper: Timestamper,
    digest_algorithm: str = "sha256",
    reserve: int = TOKEN_BYTES,
) -> tuple[bytes, bytes]:
    """Return the update that time-stamps the whole document, and the token in it.

    reserve: how many bytes the token may take before a second one must be asked for. Raises
    DocumentRefused, and TimestampFailed as the time-stamper does.
    """
    for _ in range(_ATTEMPTS):
        work = partial(_prepare, source, reserve, digest_algorithm=digest_algorithm)
        large = source.size > INLINE_BYTES
        pending, digest = await asyncio.to_thread(work) if large else work()
        token = await timestamper.stamp(digest, digest_algorithm)
        try:
            return pending.completed(token), token
        except ContainerTooLarge:
            reserve = len(token) + GROWTH_BYTES
    raise TsaAnswerInvalid("its tokens grow with every request")


def _prepare(source: Source, reserve: int, *, digest_algorithm: str) -> tuple[PendingUpdate, bytes]:
    with document_errors():
        writer = open_for_update(source)
        name = _free_name(writer)
        # pyHanko counts the hexadecimal digits of /Contents, two a byte.
        timestamp = DocumentTimestamp(2 * reserve)  # type: ignore[no-untyped-call]
        steps = PdfCMSEmbedder(new_field_spec=SigFieldSpec(sig_field_name=name)).write_cms(
            field_name=name, writer=writer, existing_fields_only=False
        )
        field = next(steps).get_object()
        if archival_rules(writer).fields_are_drawn:
            field[generic.NameObject("/AP")] = draw_nothing(NOWHERE, writer)
        steps.send(SigObjSetup(sig_placeholder=timestamp))
        declare_pades(writer)
        pending = pending_update(writer, source, signature=timestamp, field_name=name)
        return pending, pending.digest(source, digest_algorithm)


def declare_pades(writer: IncrementalPdfFileWriter) -> None:
    """State in the catalog that the file uses what PAdES added to PDF 1.7 (EN 319 142-1 §5.6)."""
    writer.ensure_output_version(_PDF_1_7)  # type: ignore[no-untyped-call]
    if writer.output_version < _PDF_2:
        writer.register_extension(ESIC_EXTENSION_1)


def _free_name(writer: IncrementalPdfFileWriter) -> str:
    """Return the first of Timestamp1, Timestamp2, … that no field has."""
    form = dictionary(raw(writer.root, "/AcroForm"))
    fields = (array(raw(form, "/Fields")) if form is not None else None) or ()
    taken = {str(field["/T"]) for each in fields if (field := dictionary(each)) and "/T" in field}
    numbers = range(1, len(taken) + 2)
    return next(f"{_NAME_STEM}{n}" for n in numbers if f"{_NAME_STEM}{n}" not in taken)
