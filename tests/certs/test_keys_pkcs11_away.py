"""PKCS#11 keys at work: many signatures at a time, tokens that go away, and forked children."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace

import pytest

from certs.errors import KeyNotFound, TokenUnavailable
from certs.keys import pkcs11_module
from certs.keys.pkcs11_module import RESTART_PAUSE_SECONDS, Module
from certs.raw_signatures import is_signature_by
from certs.schemes import scheme_named
from tests.certs.token_keys import CURVE_ID, PSS, RSA_ID, count_low, opened
from tests.support.tokens import TokenBox

pytestmark = pytest.mark.judge("softhsm2-util")


async def test_eight_signatures_at_a_time(box: TokenBox) -> None:
    key = await opened(box)
    values = await asyncio.gather(*(key.sign_raw(b"%d" % number, PSS) for number in range(8 * 8)))
    for number, value in enumerate(values):
        assert is_signature_by(key.certificate.public_key(), value, data=b"%d" % number, scheme=PSS)


async def test_the_event_loop_goes_on_while_the_token_works(box: TokenBox) -> None:
    key = await opened(box)
    signing = asyncio.gather(*(key.sign_raw(b"data", PSS) for _ in range(40)))
    turns = 0
    while not signing.done():
        await asyncio.sleep(0)
        turns += 1
    assert await signing
    assert turns > 40  # a loop that waited for each signature would have turned once for each


async def test_two_keys_of_one_token_share_its_login(box: TokenBox) -> None:
    first, second = await opened(box), await opened(box, CURVE_ID)
    ecdsa = scheme_named("ECDSA/sha384")
    await asyncio.gather(
        *(first.sign_raw(b"data", PSS) for _ in range(10)),
        *(second.sign_raw(b"data", ecdsa) for _ in range(10)),
    )


@pytest.mark.parametrize("sessions", [1, 4])
async def test_a_token_pulled_out_mid_batch_is_named_and_works_again_when_back(
    box: TokenBox, sessions: int
) -> None:
    key = await opened(box, access=replace(box.access, sessions=sessions))
    assert await key.sign_raw(b"1", PSS)
    box.take_away()
    # Several at a time, so that sessions are opened to the token that is gone.
    for number in (b"2", b"3"):
        gone = await asyncio.gather(
            *(key.sign_raw(number, PSS) for _ in range(4)), return_exceptions=True
        )
        assert [type(each) for each in gone] == [TokenUnavailable] * 4
    box.bring_back()
    await asyncio.sleep(RESTART_PAUSE_SECONDS)
    assert await key.sign_raw(b"3", PSS)
    values = await asyncio.gather(*(key.sign_raw(b"%d" % each, PSS) for each in range(8)))
    assert len(values) == 8
    assert not count_low(box)


async def test_a_token_that_is_away_can_be_opened_when_it_is_back(box: TokenBox) -> None:
    await opened(box)
    box.take_away()
    with pytest.raises(TokenUnavailable):
        await opened(box)
    box.bring_back()
    await asyncio.sleep(RESTART_PAUSE_SECONDS)
    assert await (await opened(box)).sign_raw(b"data", PSS)


async def test_a_token_that_was_away_between_two_signatures_is_not_missed(box: TokenBox) -> None:
    key, other = await opened(box), await opened(box, CURVE_ID)
    assert await key.sign_raw(b"1", PSS)
    box.restart()  # every session and login is gone, as after the token was pulled out
    assert await key.sign_raw(b"2", PSS)
    assert await other.sign_raw(b"2", scheme_named("ECDSA/sha384"))


async def test_a_key_that_was_deleted_is_not_found_any_more(box: TokenBox) -> None:
    key = await opened(box)
    box.delete("van-thu", RSA_ID)
    box.restart()
    await asyncio.sleep(RESTART_PAUSE_SECONDS)
    with pytest.raises(KeyNotFound):
        await key.sign_raw(b"data", PSS)


async def test_a_module_that_cannot_lock_is_called_by_one_thread_after_another(
    box: TokenBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = Module(box.module.resolve(), threads=False)
    monkeypatch.setitem(pkcs11_module._modules, (os.getpid(), module.path), module)
    key = await opened(box)
    values = await asyncio.gather(*(key.sign_raw(b"data", PSS) for _ in range(16)))
    assert len(values) == 16


async def test_a_forked_child_does_not_use_its_parents_token(box: TokenBox) -> None:
    key = await opened(box)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with key._connection._module.entered():
                os.write(write, b"entered")
        except TokenUnavailable:
            os.write(write, b"refused")
        finally:
            os._exit(0)
    await asyncio.to_thread(os.waitpid, child, 0)
    assert os.read(read, 16) == b"refused"
    os.close(read)
    os.close(write)
