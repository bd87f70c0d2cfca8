"""PINs of PKCS#11 tokens: one attempt, also of many processes, and shown nowhere."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from certs.errors import PinWrong
from tests.certs.token_keys import CURVE_ID, PSS, count_low, opened
from tests.support.tokens import PIN, SPIES, WRONG_PIN, TokenBox

pytestmark = pytest.mark.judge("softhsm2-util")


async def test_a_wrong_pin_is_tried_once_and_never_again(box: TokenBox) -> None:
    with pytest.raises(PinWrong):
        await opened(box, pin=WRONG_PIN)
    assert count_low(box)
    assert await (await opened(box)).sign_raw(b"data", PSS)
    assert not count_low(box)
    # The token would set its warning again if it were asked again.
    box.restart()
    for _ in range(3):
        with pytest.raises(PinWrong, match="not tried again"):
            await opened(box, pin=WRONG_PIN)
    assert not count_low(box)


async def test_a_wrong_pin_beside_an_open_token_is_refused_without_asking(box: TokenBox) -> None:
    await opened(box)
    with pytest.raises(PinWrong, match="not tried"):
        await opened(box, CURVE_ID, pin=WRONG_PIN)
    assert not count_low(box)


@pytest.mark.parametrize("pin", [b"", b"\xff\xfe"])
async def test_what_can_be_no_pin_is_not_tried(box: TokenBox, pin: bytes) -> None:
    with pytest.raises(PinWrong, match="not tried"):
        await opened(box, pin=pin)
    assert not count_low(box)


ATTEMPT = """
import asyncio, sys
from pathlib import Path
from certs.errors import PinWrong
from certs.keys import pkcs11_module
from certs.keys.pkcs11 import open_token_key
from certs.keys.pkcs11_tokens import KeySelector
from certs.keys.pkcs11_turns import TokenAccess
from certs.schemes import scheme_named

async def main(module, state, pin, origin):
    access = TokenAccess(state=Path(state), pin_origin=origin)
    try:
        key = await open_token_key(
            Path(module), selector=KeySelector(key_id=b"\\x01"), pin=pin.encode(), access=access
        )
    except PinWrong as error:
        print(error)
        raise SystemExit(4)
    for _ in range(5):
        await key.sign_raw(b"data", scheme_named("RSA-PSS/sha256"))

asyncio.run(main(*sys.argv[1:]))
"""


def attempt(
    box: TokenBox, *, pin: str = PIN, origin: str = "", module: Path | None = None, **more: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-c", ATTEMPT, str(module or box.module)),
            *(str(box.directory / "state"), pin, origin),
        ],
        env={**box.environment(), **more, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str]]:
    return [(each.wait(60), each.communicate()[0]) for each in processes]


def test_many_processes_open_the_token_at_once(box: TokenBox) -> None:
    results = ended([attempt(box) for _ in range(8)])
    assert [code for code, _ in results] == [0] * 8, results


@pytest.mark.judge("pkcs11-tool")
def test_processes_that_share_a_wrong_pin_file_ask_the_token_once_in_all(box: TokenBox) -> None:
    """What a service with workers that start again and again must not do: lock its token."""
    spy = next(Path(path) for path in SPIES if Path(path).exists())
    log = box.directory / "spy.log"
    calls = {"PKCS11SPY": str(box.module), "PKCS11SPY_OUTPUT": str(log)}

    def asked(origin: str, pin: str) -> list[int]:
        together = [attempt(box, pin=pin, origin=origin, module=spy, **calls) for _ in range(3)]
        return [code for code, _ in ended(together)]

    wrong = WRONG_PIN.decode()
    assert asked("file changed at one", wrong) == [4, 4, 4]
    assert asked("file changed at one", wrong) == [4, 4, 4]
    assert log.read_text(errors="replace").count("C_Login\n") == 1
    # The file was changed, so its PIN is another one for all that is known.
    assert asked("file changed at two", PIN) == [0, 0, 0]
    assert log.read_text(errors="replace").count("C_Login\n") == 4
    assert not count_low(box)


async def test_no_pin_shows_in_errors_values_or_pickles(box: TokenBox) -> None:
    key = await opened(box)
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(PinWrong) as caught:
        await opened(box, CURVE_ID, pin=WRONG_PIN)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
    assert WRONG_PIN.decode() not in shown
    assert PIN not in repr(key) + repr(key._connection) + repr(vars(key._connection))
    state = b"".join(each.read_bytes() for each in (box.directory / "state").iterdir())
    assert WRONG_PIN not in state
    assert PIN.encode() not in state
