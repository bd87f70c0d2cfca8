"""The worker's fetcher: what the settings make of it, and a log that names nobody."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from structlog.testing import capture_logs

from certs.revocation.evidence import EvidenceKind, EvidenceRequest
from exchange.errors import SettingInvalid
from exchange.server.evidence_sources import evidence_fetcher, finds_evidence
from exchange.server.settings import Settings, load_settings
from tests.certs import hostile_http as hostile
from tests.certs.forging import root

LEAF = root().issue("Nguyễn Thị Riêng Tư")


def settings_with(directory: Path, *lines: str) -> Settings:
    file = directory / "congvan.toml"
    file.write_text(
        '[service]\ndata_dir = "data"\n[trust]\ndirectory = "trust"\n'
        '[tls]\ncertificate = "c"\nkey = "k"\nclient_ca = "a"\n' + "\n".join(lines),
        encoding="utf8",
    )
    return load_settings(file)


def asking(url: str) -> EvidenceRequest:
    assert LEAF.above is not None
    return EvidenceRequest(
        kind=EvidenceKind.OCSP,
        url=url,
        certificate=LEAF.certificate.public_bytes(Encoding.DER),
        issuer=LEAF.above.certificate.public_bytes(Encoding.DER),
        serial=LEAF.certificate.serial_number,
    )


async def test_what_did_not_come_is_logged_without_address_or_certificate(tmp_path: Path) -> None:
    async with hostile.serving(hostile.answering(b"", "404 Not Found")) as server:
        settings = settings_with(tmp_path, "[fetching]", f'allowed = ["127.0.0.1:{server.port}"]')
        with capture_logs() as entries:
            async with evidence_fetcher(settings) as fetcher:
                await fetcher.gather(
                    [
                        asking(f"http://127.0.0.1:{server.port}/nguyen-thi-rieng-tu"),
                        asking("http://ocsp.example/nguyen-thi-rieng-tu"),
                    ]
                )
    told = json.dumps(entries, ensure_ascii=False)
    assert [each["reason"] for each in entries] == ["FETCH_UNAVAILABLE", "FETCH_REFUSED"]
    assert [each["host"] for each in entries] == ["127.0.0.1", "ocsp.example"]
    for secret in ("rieng-tu", "Riêng Tư", str(LEAF.certificate.serial_number)):
        assert secret not in told


async def test_workers_share_answers_below_the_data_directory_unless_turned_off(
    tmp_path: Path,
) -> None:
    for cache, left in (("false", False), ("true", True)):
        async with hostile.serving(hostile.babbling) as server:
            lines = (f'allowed = ["127.0.0.1:{server.port}"]', f"cache = {cache}")
            settings = settings_with(tmp_path, "[fetching]", *lines)
            with capture_logs():
                async with evidence_fetcher(settings) as fetcher:
                    await fetcher.gather([asking(server.url)])
        assert settings.evidence_cache.exists() is left


def test_the_time_stamping_authority_may_be_asked_without_naming_it_twice(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, "[timestamping]", 'url = "http://tsa.example/tsa"')
    assert evidence_fetcher(settings).policy.allowed == {("tsa.example", 80)}
    assert not finds_evidence(settings)


def test_a_folder_of_crls_must_be_there_at_the_start(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, "[fetching]", 'crls = "crls"')
    with pytest.raises(SettingInvalid, match=r"fetching\.crls"):
        evidence_fetcher(settings)
    (tmp_path / "crls").mkdir()
    evidence_fetcher(settings)
    assert finds_evidence(settings)
