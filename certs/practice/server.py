"""The practice authority over HTTP: time-stamps, OCSP, CRLs and CA certificates."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding

from certs.errors import PracticeAuthorityUnusable
from certs.practice.authority import PracticeAuthority

MAX_REQUEST_BYTES = 16 * 1024
_SHUTDOWN_SECONDS = 1.0


@asynccontextmanager
async def serve_practice_authority(
    authority: PracticeAuthority,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    listener: socket.socket | None = None,
) -> AsyncIterator[str]:
    """Serve /tsa, /ocsp, /crl, /root.crl, /ca and /root; the context gives the base URL.

    The authority's certificates name its own base_url, so port must be that URL's port; a caller
    who wants a free one binds a socket first, creates the authority for it, and passes it as
    listener. Raises PracticeAuthorityUnusable when the port is taken.
    """
    runner = web.AppRunner(
        _application(authority), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS
    )
    await runner.setup()
    try:
        site: web.BaseSite
        if listener is not None:
            site = web.SockSite(runner, listener)
        else:
            site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise PracticeAuthorityUnusable(f"{host}:{port}: {error.strerror}") from error
        bound_host, bound_port = runner.addresses[0][:2]
        yield f"http://{bound_host}:{bound_port}"
    finally:
        await runner.cleanup()


def _application(authority: PracticeAuthority) -> web.Application:
    async def timestamp(request: web.Request) -> web.Response:
        answer = authority.answer_timestamp(await request.read())
        return web.Response(body=answer, content_type="application/timestamp-reply")

    async def ocsp(request: web.Request) -> web.Response:
        answer = authority.answer_ocsp(await request.read())
        return web.Response(body=answer, content_type="application/ocsp-response")

    async def crl(_: web.Request) -> web.Response:
        return web.Response(body=authority.crl(), content_type="application/pkix-crl")

    async def root_crl(_: web.Request) -> web.Response:
        return web.Response(body=authority.root_crl(), content_type="application/pkix-crl")

    async def issuer(_: web.Request) -> web.Response:
        body = authority.issuer.public_bytes(Encoding.DER)
        return web.Response(body=body, content_type="application/pkix-cert")

    async def root(_: web.Request) -> web.Response:
        body = authority.root.public_bytes(Encoding.DER)
        return web.Response(body=body, content_type="application/pkix-cert")

    application = web.Application(client_max_size=MAX_REQUEST_BYTES)
    application.add_routes(
        [
            web.post("/tsa", timestamp),
            web.post("/ocsp", ocsp),
            web.get("/crl", crl),
            web.get("/root.crl", root_crl),
            web.get("/ca", issuer),
            web.get("/root", root),
        ]
    )
    return application
