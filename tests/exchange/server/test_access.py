"""Who may call what: the table covers the whole contract, and everything else is denied."""

import pytest

from exchange.agency import EndpointRole
from exchange.server.access import METHOD_ROLES, OPEN_METHODS, may_call
from exchange.server.app import CONTRACT, SERVICE_NAMES


def every_method() -> list[str]:
    return [
        f"/{service.full_name}/{method.name}"
        for file in CONTRACT
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    ]


def test_the_table_names_every_method_of_the_contract_and_no_other() -> None:
    ours = {method for method in METHOD_ROLES if method.startswith("/congvan.v1.")}
    assert ours == set(every_method())
    assert len(SERVICE_NAMES) == 8


def test_only_health_is_open() -> None:
    assert {method.split("/")[1] for method in OPEN_METHODS} == {"grpc.health.v1.Health"}


@pytest.mark.parametrize("role", list(EndpointRole))
def test_a_method_that_the_table_lacks_is_denied_to_every_role(role: EndpointRole) -> None:
    assert not may_call(frozenset({role}), "/congvan.v1.ExchangeService/NotYetInTheTable")


def test_an_endpoint_without_roles_may_call_nothing() -> None:
    assert not any(may_call(frozenset(), method) for method in every_method())


def test_auditors_see_no_documents_and_endpoints_keep_no_registry() -> None:
    auditor, endpoint = frozenset({EndpointRole.AUDITOR}), frozenset({EndpointRole.ENDPOINT})
    assert not may_call(auditor, "/congvan.v1.BlobService/DownloadBlob")
    assert not may_call(auditor, "/congvan.v1.ExchangeService/GetMessage")
    assert not may_call(endpoint, "/congvan.v1.RegistryService/CreateEndpoint")
    assert not may_call(endpoint, "/congvan.v1.ArchiveService/CheckIntegrity")
