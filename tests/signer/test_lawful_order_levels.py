"""Number and date between long-term signatures: the archive time-stamps of both stay good."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from signer.creation.opening import open_for_update
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign
from signer.office.lawful_order import Act, ensure_lawful, read_state
from signer.office.number_and_date import LEADER_FIELD, NUMBER_FIELD, SEAL_FIELD
from signer.source import Source
from signer.validation.assessing import assess
from signer.verdicts import Changes, SignatureKind, SignatureLevel, Verdict
from tests.support import attacks, pdfs
from tests.support.fronts import FrontedAuthority, Services
from tests.support.lawful import numbered, prepared
from tests.support.practice import file_key


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontedAuthority]:
    with (server := FrontedAuthority(tmp_path_factory.mktemp("order") / "authority")):
        yield server


@pytest.mark.parametrize("level", [Level.B_LT, Level.B_LTA], ids=str)
async def test_a_leader_s_archive_time_stamp_outlives_number_and_seal(
    served: FrontedAuthority, level: Level
) -> None:
    leader = file_key(served.authority.issue_person("Lê Thị Bình", organisation="UBND tỉnh"))
    seal = file_key(
        served.authority.issue_seal("UBND tỉnh", identifier="GOVVN-000.00.00.H56", key="p256")
    )

    async with Services(served) as services:

        async def signed(document: bytes, name: str) -> bytes:
            return await sign(
                document,
                key=leader if name == LEADER_FIELD else seal,
                request=SigningRequest(level=level, signed_at=datetime.now(UTC), field_name=name),
                timestamper=services.timestamper,
                checker=services.checker,
            )

        first = await signed(prepared(pdfs.one_page()), LEADER_FIELD)
        filled = numbered(first)
        ensure_lawful(read_state(open_for_update(Source.of_bytes(filled)).prev), Act.SEAL)
        both = await signed(filled, SEAL_FIELD)
    report = assess(both, store=served.authority.trust, at=datetime.now(UTC))
    assert (report.verdict, report.reason) == (Verdict.VALID, ""), report
    early = report.signatures[: 2 if level is Level.B_LTA else 1]
    of_leader = [each for each in report.signatures if each.changes is Changes.NUMBER_AND_DATE]
    assert len(of_leader) == len(early)
    assert all(
        each.level is SignatureLevel(level.value)
        for each in report.signatures
        if each.kind is not SignatureKind.DOC_TIMESTAMP
    )
    late = assess(
        attacks.with_filled_text(both, NUMBER_FIELD, "10/QD-UBND"),
        store=served.authority.trust,
        at=datetime.now(UTC),
    )
    assert late.verdict is not Verdict.VALID
