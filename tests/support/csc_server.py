"""A small remote signing service (CSC API v2): it holds a real key and checks what it is asked.

It signs only hashes that were authorised, as often as they were, with the factors that it knows;
`fault` makes it misbehave in one way, as services on the network do.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from asn1crypto import algos
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding

from certs.practice.authority import Issued
from certs.schemes import DIGESTS

TOKEN, PIN, OTP = "access-4711", "731955", "118822"
CREDENTIAL = "con-dau-h56"
_DIGEST_OIDS = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.8": "sha3_256",
}
_PKCS1 = {
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
}
_ECDSA = {
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "2.16.840.1.101.3.4.3.10": "sha3_256",
}
_PSS = "1.2.840.113549.1.1.10"
Answer = dict[str, Any]


class _Refusal(Exception):
    """What the service answers instead: an OAuth error code."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.status = code, status


@dataclass
class CscServer:
    """The service's state, and what it counted."""

    issued: Issued
    mode: str = "explicit"
    multisign: int = 3
    factors: Mapping[str, str] = field(default_factory=lambda: {"PIN": PIN})
    key_status: str = "enabled"
    fault: str = ""
    url: str = ""
    authorisations: int = 0
    refused: int = 0
    signatures: int = 0
    _granted: dict[str, list[str]] = field(default_factory=dict)

    def info(self, body: Answer) -> Answer:
        if body["credentialID"] != CREDENTIAL or body["certificates"] != "chain":
            raise _Refusal("invalid_request")
        rsa_key = isinstance(self.issued.private_key, rsa.RSAPrivateKey)
        chain = (self.issued.certificate, *reversed(self.issued.chain))
        return {
            "description": "Con dau",
            "key": {
                "status": self.key_status,
                "algo": [*_PKCS1, _PSS] if rsa_key else [*_ECDSA],
                "len": 2048 if rsa_key else 256,
            },
            "cert": {
                "status": "valid",
                "certificates": [_text(each.public_bytes(Encoding.DER)) for each in chain],
            },
            "auth": {"mode": self.mode},
            "multisign": self.multisign,
        }

    def authorize(self, body: Answer) -> Answer:
        self.authorisations += 1
        hashes = body["hashes"]
        if body["credentialID"] != CREDENTIAL or body["numSignatures"] != len(hashes):
            raise _Refusal("invalid_request")
        if not 1 <= len(hashes) <= self.multisign:
            raise _Refusal("invalid_request")
        given = {each["id"]: each["value"] for each in body.get("authData", [])}
        for name, value in self.factors.items():
            if given.get(name) != value:
                self.refused += 1
                raise _Refusal("invalid_pin" if name == "PIN" else "invalid_otp")
        sad = secrets.token_urlsafe(16)
        self._granted[sad] = list(hashes)
        return {"SAD": sad, "expiresIn": 300} if self.fault != "handle" else {"handle": "h1"}

    def grant(self, *hashes: bytes) -> bytes:
        """Authorise hashes as an OAuth 2.0 flow in a browser would."""
        sad = secrets.token_urlsafe(16)
        self._granted[sad] = [_text(each) for each in hashes]
        return sad.encode()

    def sign_hash(self, body: Answer) -> Answer:
        granted = self._granted.pop(body["SAD"], None)
        if granted is None or body["credentialID"] != CREDENTIAL:
            raise _Refusal("invalid_request")
        if granted != body["hashes"]:
            raise _Refusal("hashes_not_authorized")
        self.signatures += len(granted)
        values = [_text(self._sign(base64.b64decode(each), body)) for each in granted]
        if self.fault == "few":
            values.pop()
        if self.fault == "other":
            values[-1] = _text(bytes(256))
        return {"signatures": values}

    def _sign(self, digest: bytes, body: Answer) -> bytes:
        name = _DIGEST_OIDS[body["hashAlgorithmOID"]]
        hashing = Prehashed(DIGESTS[name])
        algorithm = body["signAlgo"]
        match self.issued.private_key:
            case rsa.RSAPrivateKey() as key if algorithm == _PSS:
                told = algos.RSASSAPSSParams.load(base64.b64decode(body["signAlgoParams"]))
                if told["hash_algorithm"]["algorithm"].native != name:
                    raise _Refusal("invalid_request")
                salt = int(told["salt_length"].native)
                return key.sign(digest, padding.PSS(padding.MGF1(DIGESTS[name]), salt), hashing)
            case rsa.RSAPrivateKey() as key if _PKCS1.get(algorithm) == name:
                return key.sign(digest, padding.PKCS1v15(), hashing)
            case ec.EllipticCurvePrivateKey() as key if _ECDSA.get(algorithm) == name:
                return key.sign(digest, ec.ECDSA(hashing))
        raise _Refusal("invalid_request")

    async def misbehave(self, request: web.Request) -> web.StreamResponse | None:
        """The answer of a service with a fault; None where it has none."""
        match self.fault:
            case "slow":
                await asyncio.sleep(30)
            case "redirect":
                raise web.HTTPTemporaryRedirect(f"{self.url}/elsewhere")
            case "down":
                return web.Response(status=503, text="down for maintenance")
            case "html":
                return web.Response(text="<html>log in here</html>", content_type="text/html")
            case "list":
                return web.json_response([1, 2, 3])
            case "endless":
                response = web.StreamResponse()
                await response.prepare(request)
                while True:
                    await response.write(b" " * 65536)
            case "echo":
                told = f"{request.headers['Authorization']} {await request.text()}"
                answer = {"error": told, "error_description": told}
                return web.json_response(answer, status=400)
        return None

    def route(self, answer: Callable[[Answer], Answer]) -> Callable[..., Awaitable[Any]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                return web.json_response({"error": "invalid_token"}, status=401)
            if (misdeed := await self.misbehave(request)) is not None:
                return misdeed
            try:
                return web.json_response(answer(await request.json()))
            except _Refusal as refusal:
                return web.json_response({"error": refusal.code}, status=refusal.status)

        return handle


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


@asynccontextmanager
async def csc_server(
    server: CscServer, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[CscServer]:
    """Serve it on loopback, with TLS where a context is given."""
    application = web.Application()
    application.add_routes(
        [
            web.post("/csc/v2/credentials/info", server.route(server.info)),
            web.post("/csc/v2/credentials/authorize", server.route(server.authorize)),
            web.post("/csc/v2/signatures/signHash", server.route(server.sign_hash)),
        ]
    )
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        port = runner.addresses[0][1]
        server.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/csc/v2"
        yield server
    finally:
        await runner.cleanup()
