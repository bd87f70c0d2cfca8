"""The registry's rows: certificates speak for one endpoint, and changes don't overwrite others'."""

from dataclasses import replace

import pytest

from exchange import registry
from exchange.errors import ArgumentInvalid, EndpointExists, EndpointUnknown, EtagMismatch
from storage.database import Database
from tests.support import rows
from tests.support.rows import NOW, RECIPIENT, SENDER

FINGERPRINT = "c" * 64


async def test_an_endpoint_reads_back_as_it_was_entered(database: Database) -> None:
    entered = rows.endpoint(SENDER)
    async with database.transaction() as connection:
        await registry.add_endpoint(connection, entered)
        assert (await registry.get_endpoint(connection, SENDER)).endpoint == entered


async def test_a_code_is_registered_once(database: Database) -> None:
    async with database.transaction() as connection:
        await registry.add_endpoint(connection, rows.endpoint(SENDER))
        with pytest.raises(EndpointExists):
            await registry.add_endpoint(connection, rows.endpoint(SENDER))


async def test_a_certificate_speaks_for_one_endpoint_only(database: Database) -> None:
    async with database.transaction() as connection:
        await rows.parties(connection)
        bound = await registry.bind_certificate(connection, SENDER, fingerprint=FINGERPRINT, at=NOW)
        assert bound.endpoint.certificates == (FINGERPRINT,)
        with pytest.raises(ArgumentInvalid):
            await registry.bind_certificate(connection, RECIPIENT, fingerprint=FINGERPRINT, at=NOW)


async def test_a_revoked_certificate_never_speaks_again(database: Database) -> None:
    async with database.transaction() as connection:
        await rows.parties(connection)
        await registry.bind_certificate(connection, SENDER, fingerprint=FINGERPRINT, at=NOW)
        revoked = await registry.revoke_binding(connection, SENDER, fingerprint=FINGERPRINT, at=NOW)
        assert revoked.endpoint.certificates == ()
        with pytest.raises(ArgumentInvalid):
            await registry.bind_certificate(connection, SENDER, fingerprint=FINGERPRINT, at=NOW)


async def test_a_change_with_an_old_etag_is_refused(database: Database) -> None:
    async with database.transaction() as connection:
        first = await registry.add_endpoint(connection, rows.endpoint(SENDER))
        renamed = replace(first.endpoint, name="Tên mới")
        second = await registry.change_endpoint(connection, renamed, etag=first.etag)
        assert second.endpoint.name == "Tên mới"
    with pytest.raises(EtagMismatch):
        async with database.transaction() as connection:
            await registry.change_endpoint(connection, first.endpoint, etag=first.etag)
    async with database.transaction() as connection:
        kept = await registry.get_endpoint(connection, SENDER)
    assert kept.endpoint.name == "Tên mới"


async def test_a_closed_endpoint_names_its_successor_and_is_no_longer_valid(
    database: Database,
) -> None:
    async with database.transaction() as connection:
        await rows.parties(connection)
        closed = await registry.close_endpoint(connection, SENDER, at=NOW, successor=RECIPIENT)
        assert closed.successor == RECIPIENT
        assert not closed.endpoint.is_valid_at(NOW)
        with pytest.raises(EndpointUnknown):
            await registry.close_endpoint(connection, "H56.77", at=NOW, successor=None)


async def test_lists_follow_the_codes_and_can_be_narrowed_to_a_block(database: Database) -> None:
    async with database.transaction() as connection:
        await rows.parties(connection)
        everybody = await registry.list_endpoints(connection, after="", limit=10)
        rest = await registry.list_endpoints(connection, after=RECIPIENT, limit=10)
        party = await registry.list_endpoints(
            connection, after="", limit=10, block=rows.endpoint(RECIPIENT).block
        )
    assert [each.endpoint.code for each in everybody] == [RECIPIENT, SENDER]
    assert [each.endpoint.code for each in rest] == [SENDER]
    assert [each.endpoint.code for each in party] == [SENDER]


async def test_whose_signatures_are_whose_is_read_anew_only_where_somebody_changed(
    database: Database,
) -> None:
    kept = registry.SigningDirectory()
    async with database.transaction() as connection:
        await rows.parties(connection)
        first = await kept.read(connection)
        assert await kept.read(connection) is first
        await registry.bind_certificate(connection, SENDER, fingerprint=FINGERPRINT, at=NOW)
        assert await kept.read(connection) is first  # certificates are nothing that it tells of
        entered = await registry.get_endpoint(connection, SENDER)
        renamed = replace(entered.endpoint, other_names=("Tên khác",))
        await registry.change_endpoint(connection, renamed, etag=entered.etag)
        second = await kept.read(connection)
        assert second is not first
        await registry.close_endpoint(connection, RECIPIENT, at=NOW, successor=SENDER)
        assert await kept.read(connection) is not second


async def test_what_another_transaction_changed_is_found_once_it_is_committed(
    database: Database,
) -> None:
    kept = registry.SigningDirectory()
    async with database.transaction() as connection:
        await rows.parties(connection)
    async with database.reading() as reader:
        before = await kept.read(reader)
    async with database.transaction() as connection:
        entered = await registry.get_endpoint(connection, SENDER)
        renamed = replace(entered.endpoint, other_names=("Tên khác",))
        await registry.change_endpoint(connection, renamed, etag=entered.etag)
        async with database.reading() as reader:
            assert await kept.read(reader) is before
    async with database.reading() as reader:
        assert await kept.read(reader) is not before
