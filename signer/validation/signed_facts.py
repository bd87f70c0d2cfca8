"""What a document's signatures themselves say: ranges, digests, values and time-stamp tokens.

A report is about what signatures are worth; a validation report of ETSI TS 119 102-2 also repeats
what they are. Reads strangers' bytes: for sandbox processes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from asn1crypto import cms

from signer.engine.reading import ENGINE_ERRORS, accelerated
from signer.errors import DocumentRefused
from signer.report_parts import printable
from signer.validation.surveying import survey

if TYPE_CHECKING:
    from signer.validation.cms_signatures import CmsSignature
    from signer.validation.examining import Examined

_DIGESTS: Final = frozenset({"sha1", "sha256", "sha384", "sha512"})
"""Those that XML has names for (RFC 9231)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedFacts:
    """One signature's own data.

    container: the CMS object. document_digest: over the bytes it covers; attributes_digest: over
    the attributes that were signed; both by digest_algorithm, and empty where XML has no name for
    it. timestamps: the tokens in its unsigned attributes, DER.
    """

    field: str
    sub_filter: str
    byte_range: tuple[int, int, int, int]
    container: bytes
    signature_value: bytes
    digest_algorithm: str
    document_digest: bytes = b""
    attributes_digest: bytes = b""
    timestamps: tuple[bytes, ...] = ()


def signed_facts(document: bytes | Path) -> tuple[SignedFacts, ...]:
    """Return the facts of each signature that can be read; of others there are none."""
    content = document.read_bytes() if isinstance(document, Path) else document
    try:
        with accelerated():
            surveyed = survey(content)
    except (DocumentRefused, *ENGINE_ERRORS):
        return ()
    found = (_facts(content, each) for each in surveyed.examined)
    return tuple(each for each in found if each is not None)


def _facts(document: bytes, examined: Examined) -> SignedFacts | None:
    covered, signature = examined.signed_range, examined.cms
    if covered is None or signature is None:
        return None
    try:
        algorithm = signature.digest_algorithm
        known = algorithm in _DIGESTS
        attributes = signature.signer_info["signed_attrs"].untag().dump(force=True)
        return SignedFacts(
            field=printable(examined.field.name),
            sub_filter=examined.sub_filter.removeprefix("/"),
            byte_range=(0, covered.gap_start, covered.gap_end, covered.end - covered.gap_end),
            container=covered.cms,
            signature_value=signature.signature,
            digest_algorithm=algorithm,
            document_digest=_digest(algorithm, *covered.parts(document)) if known else b"",
            attributes_digest=_digest(algorithm, attributes) if known else b"",
            timestamps=_tokens(signature),
        )
    except ENGINE_ERRORS:
        return None


def _tokens(signature: CmsSignature) -> tuple[bytes, ...]:
    """Return the signature time-stamps as RFC 3161 has them, each in its ContentInfo."""
    return tuple(
        cms.ContentInfo({"content_type": "signed_data", "content": token}).dump()
        for token in signature.timestamp_tokens()
    )


def _digest(algorithm: str, *parts: bytes | memoryview) -> bytes:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for part in parts:
        digest.update(part)
    return digest.digest()
