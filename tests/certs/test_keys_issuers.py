"""The chain of a key that came alone: fetched where certificates say, believed where it fits."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from certs.fetching.fetcher import EvidenceFetcher, FetchPolicy
from certs.keys.file import FileKey, load_pkcs12
from certs.keys.issuers import with_issuers
from certs.practice.authority import Issued
from certs.schemes import scheme_named
from tests.support.practice import PASSPHRASE, Practice


@pytest.fixture
def alone(leader: Issued) -> FileKey:
    """The leader's key as a token has it: with no certificate but its own."""
    key, certificate, _ = pkcs12.load_key_and_certificates(leader.pkcs12(PASSPHRASE), PASSPHRASE)
    content = pkcs12.serialize_key_and_certificates(
        None,
        key,  # type: ignore[arg-type]
        certificate,
        None,
        encryption_algorithm=BestAvailableEncryption(PASSPHRASE),
    )
    return load_pkcs12(content, PASSPHRASE)


async def test_a_key_without_its_issuers_gets_them(alone: FileKey, practice: Practice) -> None:
    assert alone.chain == ()
    async with EvidenceFetcher(practice.fetch_policy) as fetcher:
        key = await with_issuers(alone, store=practice.trust, fetcher=fetcher)
    assert key.chain == (practice.authority.issuer,)
    assert key.certificate == alone.certificate
    assert key.families == alone.families
    assert await key.sign_raw(b"data", scheme_named("RSA-PKCS1/sha256"))
    assert repr(key) == repr(alone)


async def test_a_whole_chain_is_not_asked_for(leader_key: FileKey, practice: Practice) -> None:
    async with EvidenceFetcher(practice.fetch_policy) as fetcher:
        assert await with_issuers(leader_key, store=practice.trust, fetcher=fetcher) is leader_key


async def test_what_may_not_be_fetched_is_left_out(alone: FileKey, practice: Practice) -> None:
    async with EvidenceFetcher(FetchPolicy(allowed=frozenset())) as fetcher:
        assert await with_issuers(alone, store=practice.trust, fetcher=fetcher) is alone
