"""Documents whose signers name addresses: who is asked while a document is judged, and who not."""

from __future__ import annotations

import pytest

from certs.fetching.fetcher import EvidenceFetcher
from certs.fetching.policy import FetchLimits, FetchPolicy
from certs.keys.file import FileKey
from certs.revocation.evidence import MAX_ADDRESSES_PER_KIND
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign
from signer.sandbox.pool import Sandbox
from signer.validation.evidence_gathering import Assessor
from signer.verdicts import Verdict
from tests.certs import hostile_http as hostile
from tests.certs.forging import NOW, FrozenClock, Pair, root
from tests.support.practice import one_page

ROOT = root()
ISSUER = ROOT.authority("Issuing")
STRANGER = root("Stranger").authority("Issuing")
QUICK = FetchLimits(total_seconds=2, gather_seconds=5)


async def signed_by(signer: Pair) -> bytes:
    assert signer.above is not None
    chain = (signer.above.certificate,)
    key = FileKey(signer.key, certificate=signer.certificate, chain=chain)
    request = SigningRequest(level=Level.B_B, signed_at=NOW)
    return await sign(one_page(), key=key, request=request)


async def verdict_of(document: bytes, *ports: int) -> Verdict:
    """The verdict, where only these ports may be asked."""
    policy = FetchPolicy(allowed=frozenset(("127.0.0.1", port) for port in ports), limits=QUICK)
    async with (
        Sandbox(1) as sandbox,
        EvidenceFetcher(policy, clock=FrozenClock()) as fetcher,
    ):
        assessor = Assessor(sandbox=sandbox, store=ROOT.store(), fetcher=fetcher)
        return (await assessor.assess(document, at=NOW)).verdict


@pytest.mark.parametrize("issuer", [ISSUER, STRANGER], ids=["trusted issuer", "stranger"])
async def test_what_a_signers_certificate_names_is_asked_only_where_it_may_be(issuer: Pair) -> None:
    async with (
        hostile.serving(hostile.answering(b"hit")) as trap,
        hostile.serving(hostile.answering(b"hit")) as allowed,
    ):
        urls = [
            f"http://127.0.0.1:{trap.port}/",
            f"file://127.0.0.1:{trap.port}/etc/passwd",
            f"gopher://127.0.0.1:{trap.port}/",
            f"http://127.0.0.1:{allowed.port}@127.0.0.1:{trap.port}/",
            *(f"http://127.0.0.1:{allowed.port}/{number}" for number in range(300)),
        ]
        order = (urls, urls[::-1])
        for each in order:
            document = await signed_by(issuer.naming(*each))
            assert await verdict_of(document, allowed.port) is Verdict.INDETERMINATE
        assert trap.connections == 0
        # Only a certificate that leads to an anchor makes anybody be asked: OCSP, then lists.
        most = 2 * MAX_ADDRESSES_PER_KIND if issuer is ISSUER else 0
        assert (0 < allowed.connections <= most) if most else allowed.connections == 0
