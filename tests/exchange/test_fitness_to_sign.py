"""A certificate is found fit before it signs (NĐ 68/2024/NĐ-CP art. 29); UNKNOWN is not good."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from certs.errors import CertificateUnsuitable, RevocationUnknown
from certs.fetching.fetcher import EvidenceFetcher
from certs.identity import fingerprint
from certs.paths.checking import PathChecker
from certs.practice.authority import Issued
from certs.trust.anchors import AnchorRole
from exchange.services import SigningPolicy
from exchange.use_cases.signing import require_fit
from exchange.working_copies import LEFT_BEHIND_AFTER, remove_left_behind
from tests.support.practice import Practice

STRICT, LENIENT = SigningPolicy(), SigningPolicy(allow_unknown_revocation=True)


async def test_unknown_revocation_is_refused_unless_the_operator_allows_it_and_then_logged(
    practice: Practice, leader: Issued
) -> None:
    checker = PathChecker(store=practice.trust)
    certificates = (leader.certificate, *leader.chain)
    with pytest.raises(RevocationUnknown):
        await require_fit(certificates, role=None, checker=checker, policy=STRICT)
    with capture_logs() as logs:
        role = await require_fit(certificates, role=None, checker=checker, policy=LENIENT)
    assert role is AnchorRole.SIGNER
    (entry,) = logs
    assert entry["log_level"] == "warning"
    assert entry["certificate_sha256"] == fingerprint(leader.certificate)
    assert leader.certificate.subject.rfc4514_string() not in str(entry)


async def test_a_good_certificate_has_the_role_of_its_holder_and_no_other(
    practice: Practice, leader: Issued, seal: Issued
) -> None:
    async with EvidenceFetcher(practice.fetch_policy) as fetcher:
        checker = PathChecker(store=practice.trust, fetcher=fetcher)
        for issued, own, other in (
            (leader, AnchorRole.SIGNER, AnchorRole.SEAL),
            (seal, AnchorRole.SEAL, AnchorRole.SIGNER),
        ):
            certificates = (issued.certificate, *issued.chain)
            for asked in (None, own):
                role = await require_fit(certificates, role=asked, checker=checker, policy=STRICT)
                assert role is own
            with pytest.raises(CertificateUnsuitable):
                await require_fit(certificates, role=other, checker=checker, policy=LENIENT)


def test_copies_that_killed_processes_left_go_after_a_day(tmp_path: Path) -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert remove_left_behind(tmp_path, at=now) == 0
    folder = tmp_path / "working"
    folder.mkdir()
    for name, age in (("old", LEFT_BEHIND_AFTER + timedelta(minutes=1)), ("new", timedelta())):
        (folder / name).write_bytes(b"a copy")
        at = (now - age).timestamp()
        os.utime(folder / name, (at, at))
    assert remove_left_behind(tmp_path, at=now) == 1
    assert [each.name for each in folder.iterdir()] == ["new"]
