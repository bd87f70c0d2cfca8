"""A folder of CRLs: read when asked, read anew when files change, trusted no more than a wire."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.fetching.fetcher import EvidenceFetcher, Sources
from certs.fetching.policy import FetchPolicy
from certs.paths.checking import PathChecker
from certs.paths.validation import PathStatus
from certs.practice.profiles import Offer
from certs.revocation import crl_folder
from certs.revocation.crl_folder import CrlFolder
from certs.revocation.evidence import RevocationEvidence, offered_evidence
from certs.trust.anchors import AnchorRole
from tests.certs import hostile_http as hostile
from tests.certs.forging import NOW, FrozenClock, Pair, Saying, root

ROOT = root()
ISSUER = ROOT.authority("Issuing")
LEAF = ISSUER.issue("Leaf")
[_, REQUEST] = offered_evidence(LEAF.certificate, ISSUER.certificate)


def pem(crl: bytes) -> bytes:
    return x509.load_der_x509_crl(crl).public_bytes(Encoding.PEM)


async def judged(folder: Path, leaf: Pair = LEAF, *ports: int) -> PathStatus:
    """What a machine says that reaches nobody, or only these ports."""
    sources = Sources(folders=(CrlFolder(folder),))
    policy = FetchPolicy(allowed=frozenset(("127.0.0.1", port) for port in ports))
    async with EvidenceFetcher(policy, sources=sources, clock=FrozenClock()) as fetcher:
        checker = PathChecker(store=ROOT.store(), fetcher=fetcher, clock=FrozenClock())
        verdict = await checker.check(
            leaf.certificate, role=AnchorRole.SIGNER, intermediates=(ISSUER.certificate,)
        )
    return verdict.status


@pytest.mark.parametrize("name", ["a.crl", "a.CRL", "a.pem"])
@pytest.mark.parametrize("form", [bytes, pem])
async def test_a_machine_without_network_judges_by_its_folder(
    tmp_path: Path, name: str, form: Callable[[bytes], bytes]
) -> None:
    assert await judged(tmp_path) is PathStatus.REVOCATION_UNKNOWN
    (tmp_path / name).write_bytes(form(ISSUER.crl()))
    assert await judged(tmp_path) is PathStatus.VALID
    (tmp_path / name).write_bytes(form(ISSUER.crl(LEAF)))
    assert await judged(tmp_path) is PathStatus.REVOKED


async def test_a_certificate_that_offers_only_ocsp_is_asked_for_there(tmp_path: Path) -> None:
    # pyhanko-certvalidator looks into no CRL for a certificate that names none.
    (tmp_path / "a.crl").write_bytes(ISSUER.crl())
    answers: list[bytes] = []

    async def behave(_: bytes, writer: asyncio.StreamWriter) -> None:
        await hostile.answering(answers[0])(b"", writer)

    async with hostile.serving(behave) as server:
        leaf = ISSUER.issue("Leaf", offer=Offer(ocsp=server.url))
        answers.append(Saying().answer(leaf, ISSUER.responder()))
        assert await judged(tmp_path, leaf, server.port) is PathStatus.VALID


@pytest.mark.parametrize(
    "crl",
    [
        pytest.param(ISSUER.crl(at=NOW - timedelta(days=30)), id="stale"),
        pytest.param(ROOT.authority("Issuing").crl(), id="by a namesake"),
        pytest.param(ISSUER.crl()[:-1] + b"\0", id="altered"),
        pytest.param(ROOT.crl(), id="of another"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"-----BEGIN X509 CRL-----\nx", id="half a PEM"),
    ],
)
async def test_what_proves_nothing_on_the_wire_proves_nothing_in_a_folder(
    tmp_path: Path, crl: bytes
) -> None:
    (tmp_path / "a.crl").write_bytes(crl)
    assert await judged(tmp_path) is PathStatus.REVOCATION_UNKNOWN
    (tmp_path / "b.crl").write_bytes(ISSUER.crl())
    assert await judged(tmp_path) is PathStatus.VALID


def test_files_are_read_again_when_they_change_and_only_then(tmp_path: Path) -> None:
    folder, file = CrlFolder(tmp_path), tmp_path / "a.crl"
    assert not folder.evidence_for(REQUEST, at=NOW)
    file.write_bytes(ISSUER.crl())
    assert folder.evidence_for(REQUEST, at=NOW).crls == (file.read_bytes(),)
    [first] = folder.state().crls
    assert folder.state().crls[0] is first
    newer = tmp_path / "newer"
    newer.write_bytes(ISSUER.crl(at=NOW + timedelta(hours=1)))
    os.replace(newer, file)
    assert folder.state().crls[0].this_update - first.this_update == timedelta(hours=1)
    file.unlink()
    assert folder.state().crls == ()


def test_a_list_counts_at_the_instant_that_is_asked_for(tmp_path: Path) -> None:
    past = NOW - timedelta(days=9)
    (tmp_path / "a.crl").write_bytes(ISSUER.crl(at=past))
    folder = CrlFolder(tmp_path)
    assert not folder.evidence_for(REQUEST, at=NOW)
    assert folder.evidence_for(REQUEST, at=past).crls


def test_files_beyond_the_limits_are_named_and_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crl = ISSUER.crl()
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.crl").write_bytes(crl)
    (tmp_path / "large.crl").write_bytes(crl + b"\0" * 1000)
    (tmp_path / "note.txt").write_bytes(b"x")
    (tmp_path / "folder.crl").mkdir()
    monkeypatch.setattr(crl_folder, "MAX_FILE_BYTES", len(crl))
    state = CrlFolder(tmp_path).state()
    assert [each.path.name for each in state.crls] == ["a.crl", "b.crl", "c.crl"]
    assert state.unusable == ((tmp_path / "large.crl", "larger than allowed"),)
    monkeypatch.setattr(crl_folder, "MAX_FILES", 2)
    assert len(CrlFolder(tmp_path).state().crls) == 2
    monkeypatch.setattr(crl_folder, "MAX_FOLDER_BYTES", len(crl))
    assert len(CrlFolder(tmp_path).state().crls) == 1


def test_a_folder_that_is_not_there_gives_nothing_and_says_so(tmp_path: Path) -> None:
    folder = CrlFolder(tmp_path / "none")
    assert folder.evidence_for(REQUEST, at=NOW) == RevocationEvidence()
    with pytest.raises(FileNotFoundError):
        folder.state()
