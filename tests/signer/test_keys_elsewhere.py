"""Documents signed with keys that are not in our hands: in a token, and at a remote service."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from certs.keys import SigningKey
from certs.keys.csc import CscConsent, open_csc_key
from certs.keys.csc_http import CscService
from certs.keys.pkcs11 import open_token_key
from certs.keys.pkcs11_tokens import KeySelector
from certs.practice.authority import Issued
from signer import Level, SigningRequest, sign
from signer.report import Report
from signer.verdicts import Verdict
from tests.support import csc_server as remote
from tests.support import tokens
from tests.support.tokens import TokenBox
from tests.support.verification import Judge


async def judged(document: bytes, key: SigningKey, judge: Judge) -> Report:
    request = SigningRequest(level=Level.B_B, signed_at=datetime.now(UTC))
    return judge(await sign(document, key=key, request=request))


@pytest.mark.judge("softhsm2-util")
async def test_a_key_in_a_token_signs_a_document_with_pss(
    token_box: TokenBox, seal: Issued, one_page_pdf: bytes, judge: Judge
) -> None:
    token_box.add_token("con-dau")
    token_box.put("con-dau", seal.certificate, key=seal.private_key, key_id=b"\x10")
    token_box.put("con-dau", seal.chain[0], key=None, key_id=b"\x11")
    key = await open_token_key(
        token_box.module,
        selector=KeySelector(),
        pin=tokens.PIN.encode(),
        access=token_box.access,
    )
    report = await judged(one_page_pdf, key, judge)
    assert report.verdict is Verdict.VALID
    assert "pss" in report.signatures[0].algorithm


async def test_a_key_at_a_remote_service_signs_a_document_with_pss(
    seal: Issued, one_page_pdf: bytes, judge: Judge
) -> None:
    async with remote.csc_server(remote.CscServer(seal)) as server:
        place = server.url.removeprefix("http://").partition("/")[0]
        service = CscService(
            url=server.url, access_token=remote.TOKEN, plain_http=frozenset({place})
        )
        consent = CscConsent(pin=remote.PIN.encode())
        async with open_csc_key(service, credential_id=remote.CREDENTIAL, consent=consent) as key:
            report = await judged(one_page_pdf, key, judge)
    assert report.verdict is Verdict.VALID
    assert "pss" in report.signatures[0].algorithm
