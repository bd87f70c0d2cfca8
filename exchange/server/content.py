"""Documents inside requests: small ones as bytes, larger ones by the digest of an upload."""

import contextlib
from collections.abc import AsyncIterator

from exchange import uploads
from exchange.errors import ArgumentInvalid, RequestIdInvalid
from exchange.server.door import current_caller
from exchange.services import Services
from exchange.working_copies import WorkingCopy, copy_of_bytes, copy_of_object
from storage.ports import Digest


@contextlib.asynccontextmanager
async def working_copy(
    services: Services, *, content: bytes, blob_sha256: str
) -> AsyncIterator[WorkingCopy]:
    """Work on the document that a request carries or names.

    Raises:
        ArgumentInvalid: neither is given, or the bytes are over the limit for a request.
        BlobUnknown: the caller may not read that content.

    """
    if blob_sha256:
        working = copy_of_object(services, await _readable(services, blob_sha256))
    else:
        _check_inline(services, content)
        working = copy_of_bytes(content)
    async with working as copy:
        yield copy


def inline_bytes(services: Services, *, content: bytes, blob_sha256: str) -> bytes:
    """Give the document inside a request that has no request_id: only such a one goes unkept.

    Raises ArgumentInvalid and RequestIdInvalid.
    """
    if blob_sha256:
        raise RequestIdInvalid("an uploaded document is signed under a request_id")
    _check_inline(services, content)
    return content


async def _readable(services: Services, sha256: str) -> Digest:
    async with services.database.transaction() as connection:
        return await uploads.require_access(connection, current_caller().code, digest=sha256)


def _check_inline(services: Services, content: bytes) -> None:
    if not content:
        raise ArgumentInvalid("content or blob_sha256 is needed", field="document")
    if len(content) > services.limits.max_inline_bytes:
        raise ArgumentInvalid(
            f"over {services.limits.max_inline_bytes} bytes: upload it first", field="content"
        )
