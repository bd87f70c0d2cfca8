"""Documents in chunks: a header, then chunks, as long as the time lasts that all of it has."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Generic, Literal, Protocol, TypeVar

from google.protobuf.message import Message

from exchange.errors import ArgumentInvalid, StreamTooSlow
from exchange.requests import parse_request_id
from exchange.server.content import working_copy
from exchange.services import Services
from exchange.wire.bounds import check_bounds
from exchange.working_copies import WorkingCopy, copy_of_chunks

_Message = TypeVar("_Message")
_Header_co = TypeVar("_Header_co", bound=Message, covariant=True)


class DocumentMessage(Protocol[_Header_co]):
    """A message of a stream that carries a document: its header, or a chunk."""

    chunk: bytes

    @property
    def header(self) -> _Header_co:
        """The request, without the document's bytes."""
        ...

    def WhichOneof(self, oneof_group: Literal["kind"]) -> str | None:  # noqa: N802 - protobuf's
        """Tell which of the two it is."""
        ...


class NamedDocument(Protocol):
    """The part of a header that names the document: its bytes come in chunks, or were uploaded."""

    content: bytes
    blob_sha256: str


class TimedStream(Generic[_Message]):
    """A stream that a caller sends; its time runs from here to the last message of the answer."""

    def __init__(self, messages: AsyncIterator[_Message], *, seconds: float) -> None:
        self._messages = messages
        self._seconds = seconds
        self._deadline = asyncio.get_running_loop().time() + seconds

    def __aiter__(self) -> AsyncIterator[_Message]:
        return self

    async def __anext__(self) -> _Message:
        """Give the next message; raises StreamTooSlow."""
        self.check()
        try:
            async with asyncio.timeout_at(self._deadline):
                return await anext(self._messages)
        except TimeoutError:
            raise self._too_slow() from None

    def check(self) -> None:
        """Raise StreamTooSlow once the time is up: where messages lie ready, nobody waits."""
        if asyncio.get_running_loop().time() >= self._deadline:
            raise self._too_slow()

    def _too_slow(self) -> StreamTooSlow:
        return StreamTooSlow(f"the limit is {self._seconds:g} seconds")


async def header_of(messages: AsyncIterator[DocumentMessage[_Header_co]]) -> _Header_co:
    """Read the first message of a stream; what it lacks is refused before anything is received.

    Raises ArgumentInvalid where it is no header, RequestIdInvalid where it has no request_id.
    """
    first = await anext(messages, None)
    if first is None or first.WhichOneof("kind") != "header":
        raise ArgumentInvalid("the first message is the header", field="header")
    check_bounds(first.header)
    parse_request_id(first.header.request_id)  # type: ignore[attr-defined]  # every mutation has it
    return first.header


@contextlib.asynccontextmanager
async def streamed_document(
    services: Services, messages: AsyncIterator[DocumentMessage[Message]], *, named: NamedDocument
) -> AsyncIterator[AbstractAsyncContextManager[WorkingCopy]]:
    """Receive the document that follows a header, or take the upload that the header names.

    Afterwards `named` names the document: from here on it is the request that names the same one
    as an upload. Raises ArgumentInvalid where bytes come otherwise than in chunks, or not at all.
    """
    if named.content:
        raise ArgumentInvalid("the document's bytes come in chunks", field="header.content")
    if named.blob_sha256:
        async for _ in messages:
            raise ArgumentInvalid("the header names an upload: no chunk follows", field="chunk")
        yield working_copy(services, content=b"", blob_sha256=named.blob_sha256)
        return
    async with copy_of_chunks(services, _chunks_of(messages)) as copy:
        if not copy.source.size:
            raise ArgumentInvalid("chunks or blob_sha256 are needed", field="chunk")
        named.blob_sha256 = copy.digest
        yield nullcontext(copy)


async def _chunks_of(messages: AsyncIterator[DocumentMessage[Message]]) -> AsyncIterator[bytes]:
    """Give what follows the header. Raises ArgumentInvalid for a message that is no chunk."""
    async for message in messages:
        if message.WhichOneof("kind") != "chunk":
            raise ArgumentInvalid("chunks follow the header", field="chunk")
        if not message.chunk:
            raise ArgumentInvalid("an empty chunk", field="chunk")
        yield message.chunk
