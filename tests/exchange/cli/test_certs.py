"""Certificates, the trust store and the practice authority from the command line."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.exchange.cli.running import Program


@pytest.fixture
def authority(congvan: Program, tmp_path: Path) -> Path:
    """A practice authority made by the command."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    directory = tmp_path / "pki"
    ran = congvan(
        "certs", "practice", "create", directory, "--base-url", f"http://127.0.0.1:{port}"
    )
    assert ran.code == 0, ran.err
    return directory


def test_a_practice_authority_issues_what_an_office_needs(
    congvan: Program, authority: Path, tmp_path: Path
) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("một mật khẩu\n")
    issue = ("certs", "practice", "issue", authority)
    person = (*issue, "person", "--name", "Lê Văn A", "--organisation", "Sở", "--position", "GĐ")
    key = ("--out", tmp_path / "a.p12", "--passphrase-file", passphrase)
    assert congvan(*person, *key).code == 0
    assert (tmp_path / "a.p12").stat().st_mode & 0o777 == 0o600
    assert congvan(*person, *key).code == 3
    assert congvan(*issue, "endpoint", "--name", "H56.90", "--out", tmp_path / "ep").code == 0
    shown = congvan("certs", "show", tmp_path / "ep.crt", "--json")
    first = shown.document["certificates"][0]
    assert (first["endpoint"], first["practice"]) == ("H56.90", True)
    assert congvan(*issue, "wizard", "--name", "X", "--out", tmp_path / "x").code == 2


def test_trust_is_listed_and_practice_is_refused_by_default(
    congvan: Program, authority: Path
) -> None:
    refused = congvan("certs", "trust", "list", "--trust", authority / "trust", "--json")
    assert refused.reason == "TRUST_STORE_INVALID"
    listed = congvan(
        "certs", "trust", "list", "--trust", authority / "trust", "--practice", "--json"
    )
    [anchor] = listed.document["anchors"]
    assert anchor["practice"] is True
    assert "SIGNER" in anchor["roles"]


def test_what_is_no_certificate_is_told_so(congvan: Program, tmp_path: Path) -> None:
    other = tmp_path / "other.crt"
    other.write_bytes(b"\x30\x03\x02\x01\x05")
    refused = congvan("certs", "show", other, "--json")
    assert (refused.code, refused.reason) == (3, "CERTIFICATE_UNSUITABLE")


def test_the_practice_authority_serves_until_it_is_told_to_stop(authority: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "exchange.cli.main", "certs", "practice", "serve", str(authority)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[4]
            with urllib.request.urlopen(f"{url}/crl", timeout=5) as answer:
                assert answer.status == 200
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
