"""What OpenSSL says to the practice authority's time-stamps, OCSP answers, CRLs and paths."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.practice.authority import Issued, PracticeAuthority
from tests.support.practice import AGENCY, Practice, utc_now

pytestmark = pytest.mark.judge("openssl")


def openssl(*arguments: str | Path, given: bytes | None = None) -> str:
    done = subprocess.run(
        ["openssl", *map(str, arguments)], input=given, capture_output=True, check=False
    )
    output = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert done.returncode == 0, output
    return output


def pem(path: Path, *certificates: x509.Certificate) -> Path:
    path.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in certificates))
    return path


@pytest.mark.parametrize("key", ["rsa2048", "p256"])
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_openssl_verifies_its_time_stamps(tmp_path: Path, key: str, digest: str) -> None:
    authority = PracticeAuthority.create(
        tmp_path / "a",
        base_url="http://127.0.0.1:1",
        clock=utc_now,
        key=key,  # type: ignore[arg-type]
    )
    (tmp_path / "data").write_bytes(b"a document")
    query, answer = tmp_path / "query", tmp_path / "answer"
    openssl("ts", "-query", "-data", tmp_path / "data", f"-{digest}", "-cert", "-out", query)
    answer.write_bytes(authority.answer_timestamp(query.read_bytes()))
    anchor = pem(tmp_path / "root.pem", authority.root)
    told = openssl("ts", "-verify", "-queryfile", query, "-in", answer, "-CAfile", anchor)
    assert "Verification: OK" in told


def test_openssl_verifies_a_time_stamp_without_certificates(
    tmp_path: Path, practice: Practice
) -> None:
    (tmp_path / "data").write_bytes(b"a document")
    query, answer = tmp_path / "query", tmp_path / "answer"
    openssl("ts", "-query", "-data", tmp_path / "data", "-sha256", "-no_nonce", "-out", query)
    answer.write_bytes(practice.authority.answer_timestamp(query.read_bytes()))
    response = tsp.TimeStampResp.load(answer.read_bytes())
    assert response["time_stamp_token"]["content"]["certificates"].native is None
    assert hashlib.sha256(b"a document").digest() in answer.read_bytes()


def ask_openssl(practice: Practice, tmp_path: Path, issued: Issued) -> str:
    authority = practice.authority
    issuer = pem(tmp_path / "issuer.pem", authority.issuer)
    leaf = pem(tmp_path / "leaf.pem", issued.certificate)
    anchors = pem(tmp_path / "anchors.pem", authority.root, authority.issuer)
    return openssl(
        *("ocsp", "-issuer", issuer, "-cert", leaf, "-CAfile", anchors),
        *("-url", f"{practice.base_url}/ocsp"),
    )


def test_openssl_accepts_its_ocsp_answers(practice: Practice, tmp_path: Path) -> None:
    issued = practice.authority.issue_person("P", organisation=AGENCY, key="p256")
    told = ask_openssl(practice, tmp_path, issued)
    assert "Response verify OK" in told
    assert "leaf.pem: good" in told
    practice.authority.revoke(issued.certificate, reason=x509.ReasonFlags.superseded)
    told = ask_openssl(practice, tmp_path, issued)
    assert "leaf.pem: revoked" in told
    assert "Reason: superseded" in told


@pytest.mark.parametrize(
    ("issue", "purpose"),
    [
        (lambda a: a.issue_person("P", organisation=AGENCY, key="p256"), "any"),
        (lambda a: a.issue_seal(AGENCY, identifier="GOVVN-1", key="p256"), "any"),
        (lambda a: a.issue_endpoint("H56.01"), "sslclient"),
        (lambda a: a.issue_server(("localhost",), ("127.0.0.1",)), "sslserver"),
    ],
    ids=["person", "seal", "endpoint", "server"],
)
def test_openssl_verifies_every_path_with_both_crls(
    practice: Practice,
    tmp_path: Path,
    issue: Callable[[PracticeAuthority], Issued],
    purpose: str,
) -> None:
    authority = practice.authority
    lists = tmp_path / "lists.pem"
    crls = (authority.crl(), authority.root_crl())
    lists.write_bytes(
        b"".join(x509.load_der_x509_crl(each).public_bytes(Encoding.PEM) for each in crls)
    )
    told = openssl(
        *("verify", "-x509_strict", "-crl_check_all", "-CRLfile", lists, "-purpose", purpose),
        *("-CAfile", pem(tmp_path / "root.pem", authority.root)),
        *("-untrusted", pem(tmp_path / "issuer.pem", authority.issuer)),
        pem(tmp_path / "leaf.pem", issue(authority).certificate),
    )
    assert ": OK" in told
