"""Keys at a remote signing service (CSC API v2): consent, many signatures by one, bad services."""

from __future__ import annotations

import hashlib
import pickle
import ssl
import traceback
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.errors import (
    CertsError,
    FetchRefused,
    PinWrong,
    RemoteAnswerInvalid,
    RemoteSignerRefused,
    RemoteSignerUnavailable,
    SchemeUnsupported,
)
from certs.keys.csc import CscConsent, open_csc_key
from certs.keys.csc_http import CscService
from certs.practice.authority import Issued
from certs.raw_signatures import is_signature_by
from certs.schemes import SchemeFamily, scheme_named
from tests.support.csc_server import CREDENTIAL, OTP, PIN, TOKEN, CscServer, csc_server
from tests.support.practice import Practice

WITH_PIN = CscConsent(pin=PIN.encode())
PSS = scheme_named("RSA-PSS/sha256")


@pytest.fixture(scope="module")
def curve_seal(practice: Practice) -> Issued:
    return practice.authority.issue_seal("Sở Nội vụ", identifier="GOVVN-CURVE", key="p256")


@pytest.fixture
async def server(seal: Issued) -> AsyncIterator[CscServer]:
    async with csc_server(CscServer(seal)) as running:
        yield running


def service_at(server: CscServer, *, token: str = TOKEN, seconds: float = 5) -> CscService:
    place = server.url.removeprefix("http://").partition("/")[0]
    return CscService(
        url=server.url, access_token=token, plain_http=frozenset({place}), seconds=seconds
    )


async def used(
    server: CscServer, *contents: bytes, consent: CscConsent = WITH_PIN, scheme: str = str(PSS)
) -> tuple[bytes, ...]:
    """Open the key and sign all contents by one call."""
    async with open_csc_key(service_at(server), credential_id=CREDENTIAL, consent=consent) as key:
        return await key.sign_many(contents, scheme_named(scheme))


@pytest.mark.parametrize(
    "name", ["RSA-PSS/sha256", "RSA-PSS/sha512", "RSA-PSS/sha3_256", "RSA-PKCS1/sha384"]
)
async def test_a_remote_rsa_key_signs(server: CscServer, seal: Issued, name: str) -> None:
    async with open_csc_key(service_at(server), credential_id=CREDENTIAL, consent=WITH_PIN) as key:
        assert key.families == {SchemeFamily.RSA_PSS, SchemeFamily.RSA_PKCS1}
        assert key.certificate == seal.certificate
        assert key.chain == seal.chain
        value = await key.sign_raw(b"data", scheme_named(name))
    public = seal.certificate.public_key()
    assert is_signature_by(public, value, data=b"data", scheme=scheme_named(name))


@pytest.mark.parametrize("name", ["ECDSA/sha256", "ECDSA/sha3_256"])
async def test_a_remote_curve_key_signs(curve_seal: Issued, name: str) -> None:
    async with csc_server(CscServer(curve_seal)) as server:
        [value] = await used(server, b"data", scheme=name)
        public = curve_seal.certificate.public_key()
        assert is_signature_by(public, value, data=b"data", scheme=scheme_named(name))
        with pytest.raises(SchemeUnsupported):
            await used(server, b"data")
        assert server.authorisations == 1


async def test_many_signatures_take_as_few_consents_as_the_service_allows(
    server: CscServer, seal: Issued
) -> None:
    contents = [b"%d" % number for number in range(7)]
    values = await used(server, *contents)
    assert (server.authorisations, server.signatures) == (3, 7)  # multisign is 3
    for content, value in zip(contents, values, strict=True):
        public = seal.certificate.public_key()
        assert is_signature_by(public, value, data=content, scheme=PSS)


async def test_a_wrong_pin_is_sent_once(server: CscServer) -> None:
    async with open_csc_key(
        service_at(server), credential_id=CREDENTIAL, consent=CscConsent(pin=b"000000")
    ) as key:
        for _ in range(3):
            with pytest.raises(PinWrong):
                await key.sign_raw(b"data", PSS)
    assert (server.authorisations, server.refused) == (1, 1)


async def test_a_pin_that_json_cannot_carry_is_not_sent() -> None:
    with pytest.raises(PinWrong, match="not tried"):
        CscConsent(pin=b"\xff")


async def test_an_otp_is_good_for_one_consent(server: CscServer) -> None:
    server.factors = {"PIN": PIN, "OTP": OTP}
    consent = CscConsent(pin=PIN.encode(), otp=OTP.encode())
    async with open_csc_key(service_at(server), credential_id=CREDENTIAL, consent=consent) as key:
        assert len(await key.sign_many((b"1", b"2", b"3"), PSS)) == 3
        with pytest.raises(RemoteSignerRefused, match="used up"):
            await key.sign_raw(b"4", PSS)
    assert server.authorisations == 1


async def test_consent_from_a_browser_signs_what_it_was_given_for(server: CscServer) -> None:
    server.mode = "oauth2code"
    with pytest.raises(RemoteSignerRefused, match="OAuth"):
        await used(server, b"data")
    hashes = [hashlib.sha256(each).digest() for each in (b"1", b"2")]
    assert len(await used(server, b"1", b"2", consent=CscConsent(sad=server.grant(*hashes)))) == 2
    with pytest.raises(RemoteSignerRefused, match="hashes_not_authorized"):
        await used(server, b"1", consent=CscConsent(sad=server.grant(*hashes)))
    assert server.authorisations == 0


async def test_an_implicit_credential_needs_nothing(server: CscServer) -> None:
    server.mode, server.factors = "implicit", {}
    assert await used(server, b"data", consent=CscConsent())


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("redirect", RemoteAnswerInvalid),
        ("down", RemoteSignerUnavailable),
        ("html", RemoteAnswerInvalid),
        ("list", RemoteAnswerInvalid),
        ("endless", RemoteAnswerInvalid),
        ("handle", RemoteSignerRefused),
        ("few", RemoteAnswerInvalid),
        ("other", RemoteAnswerInvalid),
    ],
)
async def test_a_service_that_misbehaves_is_named(
    server: CscServer, fault: str, error: type[CertsError]
) -> None:
    server.fault = fault
    with pytest.raises(error):
        await used(server, b"1", b"2")


async def test_a_slow_service_is_not_waited_for(server: CscServer) -> None:
    server.fault = "slow"
    with pytest.raises(RemoteSignerUnavailable, match="in time"):
        async with open_csc_key(service_at(server, seconds=0.2), credential_id=CREDENTIAL):
            pass


async def test_a_service_that_is_gone_is_unavailable(seal: Issued) -> None:
    async with csc_server(CscServer(seal)) as server:
        service = service_at(server)
    with pytest.raises(RemoteSignerUnavailable):
        async with open_csc_key(service, credential_id=CREDENTIAL):
            pass


async def test_a_wrong_token_a_wrong_credential_and_a_suspended_key_are_refused(
    server: CscServer,
) -> None:
    with pytest.raises(RemoteSignerRefused, match="invalid_token"):
        async with open_csc_key(service_at(server, token="x"), credential_id=CREDENTIAL):
            pass
    with pytest.raises(RemoteSignerRefused, match="invalid_request"):
        async with open_csc_key(service_at(server), credential_id="khac"):
            pass
    server.key_status = "disabled"
    with pytest.raises(RemoteSignerRefused, match="not enabled"):
        async with open_csc_key(service_at(server), credential_id=CREDENTIAL):
            pass


async def test_nothing_secret_shows_even_where_the_service_repeats_it(server: CscServer) -> None:
    shown: list[str] = [repr(service_at(server)), repr(WITH_PIN)]
    async with open_csc_key(service_at(server), credential_id=CREDENTIAL, consent=WITH_PIN) as key:
        shown.append(repr(key))
        with pytest.raises(TypeError):
            pickle.dumps(key)
        server.fault = "echo"
        with pytest.raises(RemoteSignerRefused) as caught:
            await key.sign_raw(b"data", PSS)
    shown.append("".join(traceback.format_exception(caught.value)))
    for secret in (PIN, TOKEN):
        assert secret not in "".join(shown)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/csc/v2",
        "http://example.gov.vn/csc/v2",
        "http://10.0.0.1:80/csc/v2",
        "ftp://example.gov.vn/csc/v2",
        "https://user:secret@example.gov.vn/csc/v2",
        "https://example.gov.vn/csc/v2?x=1",
        "/csc/v2",
        "https://example.gov.vn:99999/csc",
    ],
)
def test_an_address_that_could_show_the_token_is_refused(url: str) -> None:
    allowed = frozenset({"10.0.0.1:80", "example.gov.vn:80"})
    with pytest.raises(FetchRefused) as refused:
        CscService(url=url, access_token=TOKEN, plain_http=allowed)
    assert "secret" not in str(refused.value)


async def test_over_https_only_the_authorities_named_are_trusted(
    practice: Practice, seal: Issued, tmp_path: Path
) -> None:
    issued = practice.authority.issue_server(("localhost",), ("127.0.0.1",))
    (tmp_path / "server.crt").write_bytes(issued.certificate_pem)
    key_file = tmp_path / "server.key"
    key_file.touch(0o600)
    key_file.write_bytes(issued.private_key_pem)
    (tmp_path / "root.crt").write_bytes(practice.authority.root.public_bytes(Encoding.PEM))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "server.crt", key_file)

    async with csc_server(CscServer(seal), tls=tls) as server:
        assert await opened_over_tls(server.url, tmp_path / "root.crt") == seal.certificate
        with pytest.raises(RemoteSignerUnavailable, match="Certificate"):
            await opened_over_tls(server.url, None)
        with pytest.raises(FetchRefused):
            await opened_over_tls(server.url, tmp_path / "absent.crt")


async def opened_over_tls(url: str, authorities: Path | None) -> x509.Certificate:
    service = CscService(url=url, access_token=TOKEN, authorities=authorities)
    async with open_csc_key(service, credential_id=CREDENTIAL, consent=WITH_PIN) as key:
        await key.sign_raw(b"data", PSS)
        return key.certificate
