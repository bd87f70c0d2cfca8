"""A remote signing service over HTTPS: limited, never redirected, and nothing secret in errors."""

from __future__ import annotations

import ipaddress
import json
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
from yarl import URL

from certs.errors import (
    FetchRefused,
    PinWrong,
    RemoteAnswerInvalid,
    RemoteSignerRefused,
    RemoteSignerUnavailable,
)

ANSWER_BYTES: Final = 1 << 20
_WRONG_FACTORS: Final = frozenset({"invalid_pin", "invalid_otp"})
# What a service calls its errors (RFC 6749 §5.2); anything else is not repeated: it may quote us.
_ERROR_CODE: Final = re.compile(r"[a-z][a-z_]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CscService:
    """A service and the account's access token (OAuth 2.0 bearer, RFC 6750).

    url: up to the version, as https://host/csc/v2. plain_http: loopback places, "127.0.0.1:8080",
    that may be asked without TLS. authorities: PEM file of the CAs to trust, not the system's.
    """

    url: str
    access_token: str = field(repr=False)
    plain_http: frozenset[str] = frozenset()
    authorities: Path | None = None
    seconds: float = 30.0

    def __post_init__(self) -> None:
        """Refuse addresses that could show the token to others."""
        admitted(self.url, plain_http=self.plain_http)


def admitted(text: str, *, plain_http: frozenset[str]) -> URL:
    """The address, where it may be asked: https, or http to a loopback place that is allowed."""
    try:
        url = URL(text)
        place = f"{url.host}:{url.port}"
    except ValueError as error:
        raise FetchRefused("the address of the remote signing service is none") from error
    if not url.host or url.user or url.password or url.query_string or url.fragment:
        raise FetchRefused(f"{url.host}: only scheme, host, port and path are taken")
    if url.scheme == "https" or (
        url.scheme == "http" and place in plain_http and _is_loopback(url.host)
    ):
        return url
    raise FetchRefused(f"{place}: the remote signing service must be asked over https")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class CscClient:
    """Asks the methods of one service."""

    def __init__(self, service: CscService, *, session: aiohttp.ClientSession) -> None:
        self._service = service
        self._session = session
        self._base = admitted(service.url, plain_http=service.plain_http)

    async def ask(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Post to a method such as "credentials/info", and read the JSON object it answers.

        Raises RemoteSignerUnavailable, RemoteSignerRefused, PinWrong, RemoteAnswerInvalid.
        """
        try:
            async with self._session.post(
                self._base.joinpath(*method.split("/")),
                json=dict(body),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self._service.seconds),
                headers={
                    "Authorization": f"Bearer {self._service.access_token}",
                    "Accept": "application/json",
                },
            ) as response:
                content = await _limited(response)
                status = response.status
        except TimeoutError:
            raise RemoteSignerUnavailable(f"{method}: no answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            # Only the kind: messages quote addresses and headers.
            raise RemoteSignerUnavailable(f"{method}: {type(error).__name__}") from None
        return _judged(method, status, content=content)


def _judged(method: str, status: int, *, content: bytes) -> dict[str, Any]:
    if status == 429 or status >= 500:
        raise RemoteSignerUnavailable(f"{method}: HTTP {status}")
    if 300 <= status < 400:
        raise RemoteAnswerInvalid(f"{method}: it redirects, which is not followed")
    answer = _object(content)
    if status == 200:
        if answer is None:
            raise RemoteAnswerInvalid(f"{method}: no JSON object")
        return answer
    code = str((answer or {}).get("error", ""))
    if code in _WRONG_FACTORS:
        raise PinWrong(f"{method}: {code}")
    known = code if _ERROR_CODE.fullmatch(code) else f"HTTP {status}"
    raise RemoteSignerRefused(f"{method}: {known}")


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > ANSWER_BYTES:
            raise RemoteAnswerInvalid(f"more than {ANSWER_BYTES} bytes")
    return bytes(content)


@asynccontextmanager
async def csc_client(service: CscService) -> AsyncIterator[CscClient]:
    """A client while the context lasts. Raises FetchRefused where `authorities` can't be read."""
    try:
        context = ssl.create_default_context(cafile=service.authorities)
    except (OSError, ssl.SSLError) as error:
        raise FetchRefused(f"{service.authorities}: {type(error).__name__}") from error
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context, limit=8),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        # Compressed, a small answer could unpack to a large one before it is counted.
        auto_decompress=False,
    ) as session:
        yield CscClient(service, session=session)
