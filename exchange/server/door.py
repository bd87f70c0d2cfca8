"""The door of the service: who calls, may he, and in what words failures leave.

Identity comes from the transport alone: exactly one URI name urn:congvan:endpoint:<code> in the
client's certificate, whose fingerprint is registered for that endpoint. Metadata and the other
kinds of names are never looked at: gRPC merges them into one list that a client may fill.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Final, TypeAlias

import grpc
import structlog
from cryptography import x509
from google.protobuf.message import Message

from certs.errors import IdentityUnreadable
from certs.identity import ENDPOINT_URN, fingerprint
from certs.parsing import DAMAGE
from exchange import registry
from exchange.agency import Endpoint, EndpointRole
from exchange.errors import IdentityUnknown, InternalFailure, NotBuiltYet, RoleMissing
from exchange.server.access import OPEN_METHODS, may_call
from exchange.server.admissions import Admissions
from exchange.server.status import abort, code_of
from exchange.services import Services
from exchange.wire.bounds import check_bounds

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
WireValue: TypeAlias = Any
"""A request, an answer, or a stream of them: the door does not look inside."""

_CERTIFICATE: Final = "x509_pem_cert"
_REGISTRY: Final = "/congvan.v1.RegistryService/"
_log = structlog.get_logger("congvan.door")
_caller: ContextVar[Endpoint] = ContextVar("caller")


@dataclass(frozen=True, slots=True)
class TransportIdentity:
    """What the client's certificate says: the endpoint's code, and the certificate's SHA-256."""

    code: str
    fingerprint: str


def current_caller() -> Endpoint:
    """The endpoint whose call is being answered."""
    return _caller.get()


def identity_of(auth_context: dict[str, Any]) -> TransportIdentity:
    """Read the identity from gRPC's view of the client's certificate.

    Raises:
        IdentityUnknown: no certificate, or not exactly one URI name of ours in it.

    """
    names = [bytes(name).decode("utf8", "replace") for name in auth_context.get("peer_uri", ())]
    ours = [name for name in names if name.startswith(ENDPOINT_URN)]
    certificates = auth_context.get(_CERTIFICATE, ())
    if len(names) != 1 or len(ours) != 1 or len(certificates) != 1:
        raise IdentityUnknown("exactly one URI name urn:congvan:endpoint:<code> is needed")
    try:
        certificate = x509.load_pem_x509_certificate(bytes(certificates[0]))
        return TransportIdentity(ours[0].removeprefix(ENDPOINT_URN), fingerprint(certificate))
    except (*DAMAGE, IdentityUnreadable):
        raise IdentityUnknown("the certificate can't be read") from None


class Door(grpc.aio.ServerInterceptor):
    """Wraps every method but health; wraps all four kinds, or streams would go unchecked."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._admissions = Admissions(services.spool / "registry-state")
        self._guarded: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Put the door before a method's own handler."""
        method = handler_call_details.method
        if method in self._guarded:
            return self._guarded[method]
        handler = await continuation(handler_call_details)
        if handler is None or method in OPEN_METHODS:
            return handler
        behaviour: WireValue = (
            handler.unary_unary
            or handler.unary_stream
            or handler.stream_unary
            or handler.stream_stream
        )
        guard = self._guard_stream if handler.response_streaming else self._guard_unary
        make = _MAKERS[bool(handler.request_streaming), bool(handler.response_streaming)]
        guarded = self._guarded[method] = make(
            guard(method, behaviour),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )
        return guarded

    async def admit(self, method: str, context: Context) -> Endpoint:
        """Find out who calls and whether he may.

        Raises:
            IdentityUnknown: the certificate is not registered, or the endpoint is not valid now.
            RoleMissing: none of the endpoint's roles may call the method.

        """
        transport = dict(context.auth_context())
        presented = tuple(transport.get("peer_uri", ())), tuple(transport.get(_CERTIFICATE, ()))
        endpoint = self._admissions.find(presented)
        if endpoint is None:
            state = self._admissions.state
            endpoint = await self._registered(identity_of(transport))
            self._admissions.remember(presented, endpoint, state=state)
        if not endpoint.is_valid_at(self._services.clock()):
            raise IdentityUnknown(endpoint.code)
        if not may_call(endpoint.roles, method):
            raise RoleMissing(_role_names(endpoint.roles))
        _caller.set(endpoint)
        return endpoint

    async def _registered(self, identity: TransportIdentity) -> Endpoint:
        async with self._services.database.reading() as connection:
            found = await registry.find_endpoint(connection, identity.code)
        if found is None or identity.fingerprint not in found.endpoint.certificates:
            raise IdentityUnknown(identity.code)
        return found.endpoint

    def _guard_unary(self, method: str, behaviour: Callable[..., Any]) -> Callable[..., Any]:
        async def call(request: WireValue, context: Context) -> WireValue:
            started = time.monotonic()
            try:
                await self.admit(method, context)
                _check(request)
                answer = behaviour(request, context)
                answer = await answer if isawaitable(answer) else answer
            except Exception as error:
                await _refuse(method, context, error=error, started=started)
            finally:
                if method.startswith(_REGISTRY):
                    self._admissions.end_all()
            _log_call(method, "OK", started=started)
            return answer

        return call

    def _guard_stream(self, method: str, behaviour: Callable[..., Any]) -> Callable[..., Any]:
        async def call(request: WireValue, context: Context) -> AsyncIterator[WireValue]:
            started = time.monotonic()
            try:
                await self.admit(method, context)
                _check(request)
                async for answer in behaviour(request, context):
                    yield answer
            except Exception as error:
                await _refuse(method, context, error=error, started=started)
            _log_call(method, "OK", started=started)

        return call


_MAKERS: dict[tuple[bool, bool], Callable[..., Handler]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


def _check(request: WireValue) -> None:
    """Check what came whole; of a stream, its reader checks each message."""
    if isinstance(request, Message):
        check_bounds(request)


async def _refuse(method: str, context: Context, *, error: Exception, started: float) -> None:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    # A method that no servicer overrides is the generated one, which sets this code and raises. The
    # code tells it from the engine's NotImplementedError, which is a failure inside like any other.
    unbuilt = context.code() is grpc.StatusCode.UNIMPLEMENTED
    if unbuilt and isinstance(error, NotImplementedError):
        error = NotBuiltYet(method)
    if code_of(error) is None:
        _log.error("call failed inside", method=method, exc_info=error)
        error = InternalFailure()
    _log_call(method, getattr(error, "reason", ""), started=started)
    await abort(context, error)


def _log_call(method: str, outcome: str, *, started: float) -> None:
    caller = _caller.get(None)
    _log.info(
        "call",
        method=method,
        caller=caller.code if caller else "",
        outcome=outcome,
        milliseconds=round((time.monotonic() - started) * 1000, 1),
    )


def _role_names(roles: frozenset[EndpointRole]) -> str:
    return "caller's roles: " + (", ".join(sorted(roles)) or "none")
