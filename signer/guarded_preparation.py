"""Prepare a stranger's document for its signature, with the engine's work done in a sandbox."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signer import limits as limits_module
from signer.credential import credential_of, scheme_for
from signer.document import admit_source
from signer.errors import SandboxBroken
from signer.preparation import prepare_update
from signer.prepared import PreparedSignature
from signer.requests import SigningRequest, check_request
from signer.signing import ALL_FAMILIES, INLINE_BYTES
from signer.source import Source
from signer.update import PendingUpdate

if TYPE_CHECKING:
    from signer.sandbox import Sandbox


async def prepare_guarded(
    source: Source,
    *,
    path: Path | None,
    sandbox: Sandbox,
    certificates: tuple[x509.Certificate, ...],
    request: SigningRequest,
    token_bytes: int,
) -> PreparedSignature:
    """Prepare as `signer.signing.prepare_signature` does, with bounded work in this process.

    path: where the file of a source lies that is not in memory. A document on which the engine
    spends more than the sandbox allows raises SandboxLimitExceeded.
    """
    certificate, *chain = certificates
    scheme = request.scheme or scheme_for(certificate, ALL_FAMILIES)
    credential = credential_of(certificate, tuple(chain), scheme=scheme)
    limits = limits_module.DEFAULT
    check_request(
        request,
        valid_from=credential.valid_from,
        valid_until=credential.valid_until,
        limits=limits,
    )
    reserve = credential.max_container_bytes + token_bytes
    large = source.size > INLINE_BYTES
    if large:
        await asyncio.to_thread(admit_source, source, limits)
    else:
        admit_source(source, limits)
    update = await sandbox.run(
        prepare_for_stranger,
        source.read() if path is None else path,
        certificates=tuple(each.public_bytes(Encoding.DER) for each in certificates),
        request=replace(request, scheme=scheme),
        reserve=reserve,
    )
    _require_sound(update, source, reserve=reserve)
    # Digested here: what the sandbox says about the document's own bytes is not believed.
    if large:
        digest = await asyncio.to_thread(update.digest, source, credential.digest_algorithm)
    else:
        digest = update.digest(source, credential.digest_algorithm)
    return PreparedSignature(
        update=update,
        certificates=certificates,
        scheme=scheme,
        level=request.level,
        data_to_be_signed=credential.template.signed_attributes(digest),
    )


def prepare_for_stranger(
    document: bytes | Path,
    *,
    certificates: tuple[bytes, ...],
    request: SigningRequest,
    reserve: int,
) -> PendingUpdate:
    """Prepare the update in this very process, which is a sandbox's; the scheme is chosen."""
    certificate, *chain = (x509.load_der_x509_certificate(each) for each in certificates)
    scheme = request.scheme or scheme_for(certificate, ALL_FAMILIES)
    credential = credential_of(certificate, tuple(chain), scheme=scheme)
    opened = Source.of_file(document) if isinstance(document, Path) else Source.of_bytes(document)
    with opened as source:
        return prepare_update(source, credential=credential, request=request, reserve=reserve)


def _require_sound(update: PendingUpdate, source: Source, *, reserve: int) -> None:
    """Refuse an update whose gap is not where a signature's value can go."""
    start, end = update.gap_start - update.start, update.gap_end - update.start
    gap = update.content[start:end] if 0 < start < end else b""
    if update.start != source.size or gap != b"<" + b"0" * (2 * reserve) + b">":
        raise SandboxBroken("an update that does not fit the document")
