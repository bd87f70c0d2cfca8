"""A signing service with plain pyHanko behind the same kind of server, to compare ours with."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from pyhanko.sign.signers import SimpleSigner

from bench.plainly import sign_plainly
from congvan.v1 import signing_pb2, signing_pb2_grpc


class _Signing(signing_pb2_grpc.SigningServiceServicer):
    def __init__(self, signer: SimpleSigner) -> None:
        self._signer = signer
        # One, for several would only fight for the interpreter's lock.
        self._thread = ThreadPoolExecutor(1)

    async def SignDocument(  # noqa: N802 - the contract's name
        self,
        request: signing_pb2.SignDocumentRequest,
        context: grpc.aio.ServicerContext[
            signing_pb2.SignDocumentRequest, signing_pb2.SignDocumentResponse
        ],
    ) -> signing_pb2.SignDocumentResponse:
        # pyHanko's function runs a loop of its own, for which it needs a thread.
        signed = await asyncio.get_running_loop().run_in_executor(
            self._thread, sign_plainly, request.document.content, self._signer
        )
        return signing_pb2.SignDocumentResponse(content=signed, field_name="Signature1")


async def _serve(directory: Path) -> None:
    signer = SimpleSigner.load_pkcs12(  # type: ignore[no-untyped-call]
        str(directory / "seal.p12"), passphrase=(directory / "seal.pass").read_bytes().strip()
    )
    assert isinstance(signer, SimpleSigner)
    server = grpc.aio.server()
    signing_pb2_grpc.add_SigningServiceServicer_to_server(_Signing(signer), server)
    credentials = grpc.ssl_server_credentials(
        [((directory / "server.key").read_bytes(), (directory / "server.crt").read_bytes())],
        root_certificates=(directory / "root.crt").read_bytes(),
        require_client_auth=True,
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
