"""Open a document for an incremental update, and take nothing but the update from the engine."""

from __future__ import annotations

import os
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

from pyhanko.pdf_utils.crypt import AuthStatus
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import FormFillingError, PdfDecodeLimitError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.general import SigningError

from certs.errors import CertsError
from signer.creation.update import PendingUpdate
from signer.engine.reading import encrypted_throughout
from signer.errors import (
    DocumentEncrypted,
    DocumentMalformed,
    DocumentTooLarge,
    FieldUnusable,
    SignerError,
)
from signer.pages.archival import archival_rules
from signer.validation.two_readings import readings_differ, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyhanko.sign.signers.pdf_byterange import PdfByteRangeDigest

    from signer.source import Source


def open_for_update(source: Source) -> IncrementalPdfFileWriter:
    """Open a document strictly. Raises DocumentEncrypted or DocumentMalformed.

    A document that opens without a password, whatever its owner forbids, can be signed; one that
    needs a password can't, for nobody could verify the signature without it. Neither can one that
    readers of hybrid cross-references see differently.
    """
    reader = PdfFileReader(source.open(), strict=True)
    encrypted = "/Encrypt" in reader.trailer.flatten()
    difference = readings_differ(reader)
    if difference is not None:
        raise DocumentMalformed(f"hybrid cross-references show two documents: {difference}")
    settle(reader)
    writer = IncrementalPdfFileWriter.from_reader(reader)
    if encrypted:
        _unlock(writer)
    elif archival_rules(writer).keeps_metadata:
        writer._update_meta = _leave_alone  # type: ignore[method-assign]
    return writer


def _leave_alone() -> None:
    """Change nothing."""


def _unlock(writer: IncrementalPdfFileWriter) -> None:
    if not encrypted_throughout(writer.prev):
        raise DocumentEncrypted("its revisions are not encrypted the same way")
    try:
        result = writer.encrypt("")  # type: ignore[no-untyped-call]
    except Exception as error:  # handlers of other makers, public-key encryption
        raise DocumentEncrypted(type(error).__name__) from error
    if result.status is AuthStatus.FAILED:
        raise DocumentEncrypted("it needs a password to be opened")
    handler = writer.security_handler
    if handler is not None and handler.pdf_mac_enabled:
        raise DocumentEncrypted("its integrity code (ISO 32004) can't be renewed")


def written_update(writer: IncrementalPdfFileWriter, source: Source) -> bytes:
    """Return what the writer adds after the document."""
    return _write(writer, source).getvalue()


def pending_update(
    writer: IncrementalPdfFileWriter,
    source: Source,
    *,
    signature: PdfByteRangeDigest,
    field_name: str,
) -> PendingUpdate:
    """Return the update with `signature`, one of its objects, still to be filled."""
    writer.digest_aware_write = True
    update = _write(writer, source)
    gap_start, gap_end = signature.contents.offsets
    signature.byte_range.fill_offsets(  # type: ignore[no-untyped-call]
        update, gap_start, gap_end, update.end
    )
    return PendingUpdate(
        start=source.size,
        content=update.getvalue(),
        gap_start=gap_start,
        gap_end=gap_end,
        field_name=field_name,
    )


def _write(writer: IncrementalPdfFileWriter, source: Source) -> _Update:
    update = _Update(source.size)
    # What write_in_place() does, but for the stream: this one holds nothing of the document.
    writer._prep_dom_for_writing()  # type: ignore[no-untyped-call]
    writer._write_updated_section(update)  # type: ignore[no-untyped-call]
    return update


class _Update(BytesIO):
    """What follows a document of so many bytes; positions are those of the whole file."""

    def __init__(self, start: int) -> None:
        super().__init__()
        self._start = start

    @property
    def end(self) -> int:
        return self._start + self.getbuffer().nbytes

    def tell(self) -> int:
        return self._start + super().tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_SET:
            offset -= self._start
        return self._start + super().seek(offset, whence)


@contextmanager
def document_errors() -> Iterator[None]:
    """Turn whatever reading or changing a document raises into one of our errors.

    No key and no service takes part in it: what fails, fails because of the document.
    """
    try:
        yield
    except (SignerError, CertsError):
        raise
    except (PdfDecodeLimitError, MemoryError) as error:
        raise DocumentTooLarge(_told(error)) from error
    except (FormFillingError, SigningError) as error:
        raise FieldUnusable(_told(error)) from error
    except Exception as error:  # engines raise anything on strangers' bytes
        raise DocumentMalformed(_told(error)) from error


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}" if str(error) else type(error).__name__
