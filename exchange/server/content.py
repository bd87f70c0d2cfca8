"""Documents inside requests: small ones as bytes, larger ones by the digest of an upload."""

from exchange import uploads
from exchange.errors import ArgumentInvalid
from exchange.server.door import current_caller
from exchange.services import Services


async def document_bytes(services: Services, *, content: bytes, blob_sha256: str) -> bytes:
    """Read the document that a request carries or names.

    Raises:
        ArgumentInvalid: neither is given, or the bytes are over the limit for a request.
        BlobUnknown: the caller may not read that content.

    """
    if blob_sha256:
        async with services.database.transaction() as connection:
            digest = await uploads.require_access(
                connection, current_caller().code, digest=blob_sha256
            )
        return await services.objects.read(digest)
    if not content:
        raise ArgumentInvalid("content or blob_sha256 is needed", field="document")
    if len(content) > services.limits.max_inline_bytes:
        raise ArgumentInvalid(
            f"over {services.limits.max_inline_bytes} bytes: upload it first", field="content"
        )
    return content
