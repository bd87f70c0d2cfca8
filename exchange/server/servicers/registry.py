"""RegistryService: who takes part, and with which certificates."""

from cryptography import x509

from certs.identity import endpoint_code, fingerprint
from certs.parsing import DAMAGE
from certs.trust.anchors import Block
from congvan.v1 import common_pb2, registry_pb2, registry_pb2_grpc
from exchange import registry
from exchange.agency import Endpoint, parse_organ_id
from exchange.errors import ArgumentInvalid
from exchange.registry import RegisteredEndpoint
from exchange.server.mutations import Commit, answer_once
from exchange.server.servicers import Context
from exchange.services import Services
from exchange.wire.registry import read_endpoint, write_endpoint
from exchange.wire.values import (
    from_wire,
    instant,
    page_size,
    read_page_token,
    resource_id,
    write_page_token,
)
from storage.database import Connection


class RegistryServicer(registry_pb2_grpc.RegistryServiceServicer):
    """Delegations, snapshots and the watch are not built yet and answer so."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def GetEndpoint(  # noqa: N802
        self, request: registry_pb2.GetEndpointRequest, context: Context
    ) -> registry_pb2.Endpoint:
        """Show one endpoint."""
        async with self._services.database.transaction() as connection:
            code = resource_id(request.name, "endpoints")
            return write_endpoint(await registry.get_endpoint(connection, code))

    async def ListEndpoints(  # noqa: N802
        self, request: registry_pb2.ListEndpointsRequest, context: Context
    ) -> registry_pb2.ListEndpointsResponse:
        """List endpoints in the order of their codes."""
        after = read_page_token(request.page_token, lambda parts: parse_organ_id(parts[0]), parts=1)
        limit = page_size(request.page_size, most=self._services.limits.max_page_size)
        block = (
            from_wire(request.block, common_pb2.Block, words=Block, field="block")
            if request.block
            else None
        )
        async with self._services.database.transaction() as connection:
            found = await registry.list_endpoints(
                connection, after=after or "", limit=limit, block=block
            )
        full = len(found) == limit
        return registry_pb2.ListEndpointsResponse(
            endpoints=[write_endpoint(each) for each in found],
            next_page_token=write_page_token(found[-1].endpoint.code) if full else "",
        )

    async def CreateEndpoint(  # noqa: N802
        self, request: registry_pb2.CreateEndpointRequest, context: Context
    ) -> registry_pb2.Endpoint:
        """Register a body."""

        async def prepare() -> Commit[registry_pb2.Endpoint]:
            endpoint = read_endpoint(request.endpoint, now=self._services.clock())

            async def commit(connection: Connection) -> registry_pb2.Endpoint:
                return write_endpoint(await registry.add_endpoint(connection, endpoint))

            return commit

        return await answer_once(
            self._services, request, answer_type=registry_pb2.Endpoint, prepare=prepare
        )

    async def UpdateEndpoint(  # noqa: N802
        self, request: registry_pb2.UpdateEndpointRequest, context: Context
    ) -> registry_pb2.Endpoint:
        """Change the fields that the mask names (AIP-134)."""

        async def prepare() -> Commit[registry_pb2.Endpoint]:
            async def commit(connection: Connection) -> registry_pb2.Endpoint:
                present = await registry.get_endpoint(connection, request.endpoint.code)
                changed = self._changed(present, request)
                return write_endpoint(
                    await registry.change_endpoint(connection, changed, etag=request.endpoint.etag)
                )

            return commit

        return await answer_once(
            self._services, request, answer_type=registry_pb2.Endpoint, prepare=prepare
        )

    async def CloseEndpoint(  # noqa: N802
        self, request: registry_pb2.CloseEndpointRequest, context: Context
    ) -> registry_pb2.Endpoint:
        """End an endpoint's part in the exchange."""

        async def prepare() -> Commit[registry_pb2.Endpoint]:
            code = resource_id(request.name, "endpoints")
            given = request.HasField("valid_until")
            at = instant(request.valid_until) if given else self._services.clock()
            successor = parse_organ_id(request.successor) if request.successor else None

            async def commit(connection: Connection) -> registry_pb2.Endpoint:
                return write_endpoint(
                    await registry.close_endpoint(connection, code, at=at, successor=successor)
                )

            return commit

        return await answer_once(
            self._services, request, answer_type=registry_pb2.Endpoint, prepare=prepare
        )

    async def BindCertificate(  # noqa: N802
        self, request: registry_pb2.BindCertificateRequest, context: Context
    ) -> registry_pb2.Endpoint:
        """Register the certificate that an endpoint connects with."""

        async def prepare() -> Commit[registry_pb2.Endpoint]:
            code = resource_id(request.name, "endpoints")
            certificate = _certificate(request.certificate)
            if endpoint_code(certificate) != code:
                raise ArgumentInvalid("it names another endpoint", field="certificate")

            async def commit(connection: Connection) -> registry_pb2.Endpoint:
                return write_endpoint(
                    await registry.bind_certificate(
                        connection,
                        code,
                        fingerprint=fingerprint(certificate),
                        at=self._services.clock(),
                    )
                )

            return commit

        return await answer_once(
            self._services, request, answer_type=registry_pb2.Endpoint, prepare=prepare
        )

    async def RevokeCertificateBinding(  # noqa: N802
        self, request: registry_pb2.RevokeCertificateBindingRequest, context: Context
    ) -> registry_pb2.Endpoint:
        """Stop accepting a certificate, from the next call on."""

        async def prepare() -> Commit[registry_pb2.Endpoint]:
            code = resource_id(request.name, "endpoints")

            async def commit(connection: Connection) -> registry_pb2.Endpoint:
                return write_endpoint(
                    await registry.revoke_binding(
                        connection,
                        code,
                        fingerprint=request.certificate_sha256,
                        at=self._services.clock(),
                    )
                )

            return commit

        return await answer_once(
            self._services, request, answer_type=registry_pb2.Endpoint, prepare=prepare
        )

    async def ResolveRecipients(  # noqa: N802
        self, request: registry_pb2.ResolveRecipientsRequest, context: Context
    ) -> registry_pb2.ResolveRecipientsResponse:
        """Tell which codes can be written to now."""
        now = self._services.clock()
        async with self._services.database.transaction() as connection:
            found = await registry.find_endpoints(connection, list(request.codes))
        valid = {code: each for code, each in found.items() if each.endpoint.is_valid_at(now)}
        return registry_pb2.ResolveRecipientsResponse(
            endpoints=[write_endpoint(valid[code]) for code in request.codes if code in valid],
            unknown=[code for code in request.codes if code not in valid],
        )

    async def ExplainRoute(  # noqa: N802
        self, request: registry_pb2.ExplainRouteRequest, context: Context
    ) -> registry_pb2.ExplainRouteResponse:
        """Name the rule that lets a document pass or stops it."""
        async with self._services.database.transaction() as connection:
            sender = await registry.get_endpoint(connection, request.sender)
            recipient = await registry.get_endpoint(connection, request.recipient)
        decision = self._services.routing.decide(
            sender.endpoint, recipient.endpoint, document_type=request.document_type
        )
        return registry_pb2.ExplainRouteResponse(
            allowed=decision.allowed,
            rule=decision.rule,
            reason_vi=decision.reason_vi,
            reason_en=decision.reason_en,
        )

    def _changed(
        self, present: RegisteredEndpoint, request: registry_pb2.UpdateEndpointRequest
    ) -> Endpoint:
        merged = write_endpoint(present)
        asked = set(request.update_mask.paths)
        unknown = asked - _CHANGEABLE
        if not asked or unknown:
            raise ArgumentInvalid(", ".join(sorted(unknown)) or "empty", field="update_mask")
        request.update_mask.MergeMessage(
            request.endpoint, merged, replace_message_field=True, replace_repeated_field=True
        )
        return read_endpoint(merged, now=self._services.clock())


_CHANGEABLE = frozenset(
    {"display_name", "block", "level", "parent", "email", "roles", "valid_from", "valid_until"}
    | {"other_names", "identifiers"}
)


def _certificate(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except DAMAGE:
        raise ArgumentInvalid("not a DER certificate", field="certificate") from None
