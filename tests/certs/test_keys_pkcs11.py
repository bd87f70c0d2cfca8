"""Keys in PKCS#11 tokens (SoftHSM2): what they sign, one PIN attempt, and tokens that go away."""

from __future__ import annotations

import _ctypes
import asyncio
import os
import pickle
import shutil
import subprocess
import sys
import traceback
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from certs.errors import (
    KeyAmbiguous,
    KeyNotFound,
    KeyTooWeak,
    KeyUnusable,
    PinWrong,
    SchemeUnsupported,
    TokenModuleUnusable,
    TokenUnavailable,
)
from certs.identity import fingerprint
from certs.keys import pkcs11_module
from certs.keys.pkcs11 import TokenKey, open_token_key
from certs.keys.pkcs11_module import RESTART_PAUSE_SECONDS, Module, module_at
from certs.keys.pkcs11_tokens import KeySelector, list_tokens
from certs.keys.pkcs11_turns import TokenAccess
from certs.raw_signatures import is_signature_by
from certs.schemes import DIGESTS, SchemeFamily, SignatureScheme, scheme_named
from tests.certs.forging import root, weak_rsa
from tests.support.tokens import PIN, SPIES, WRONG_PIN, TokenBox, make_box

pytestmark = pytest.mark.judge("softhsm2-util")

ROOT = root()
ISSUING = ROOT.authority("Issuing")
RSA = ISSUING.issue("An", key="rsa2048")
CURVE = ISSUING.issue("Bình", key="p384")
EDWARDS = ISSUING.issue("Chi", key=ed25519.Ed25519PrivateKey.generate())  # type: ignore[arg-type]
RSA_ID, CURVE_ID, EDWARDS_ID = b"\x01", b"\x02\x00", b"\x03"
PSS = scheme_named("RSA-PSS/sha256")
# What SoftHSM 2.6 refuses: SHA-3 in the parameters of RSASSA-PSS.
SCHEMES = [
    *((RSA_ID, SignatureScheme(SchemeFamily.RSA_PKCS1, digest)) for digest in DIGESTS),
    *((RSA_ID, SignatureScheme(SchemeFamily.RSA_PSS, f"sha{bits}")) for bits in (256, 384, 512)),
    *((CURVE_ID, SignatureScheme(SchemeFamily.ECDSA, digest)) for digest in DIGESTS),
    (EDWARDS_ID, scheme_named("ED25519/sha512")),
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> TokenBox:
    """A token with three keys, their certificates, and the issuer's certificate."""
    box = make_box(tmp_path_factory.mktemp("tokens"))
    with box.as_configured():
        box.add_token("van-thu")
        for key_id, pair in ((RSA_ID, RSA), (CURVE_ID, CURVE), (EDWARDS_ID, EDWARDS)):
            box.put("van-thu", pair.certificate, key=pair.key, key_id=key_id)
        box.put("van-thu", ISSUING.certificate, key=None, key_id=b"\x09")
    return box


@pytest.fixture
def box(filled: TokenBox, token_box: TokenBox) -> TokenBox:
    """The test's own copy of that token."""
    shutil.copytree(filled.tokens, token_box.tokens, dirs_exist_ok=True)
    return token_box


async def opened(
    box: TokenBox,
    key_id: bytes = RSA_ID,
    *,
    pin: bytes = PIN.encode(),
    access: TokenAccess | None = None,
) -> TokenKey:
    return await open_token_key(
        box.module, selector=KeySelector(key_id=key_id), pin=pin, access=access or box.access
    )


def count_low(box: TokenBox) -> bool:
    """Whether the token says that a wrong PIN was given since the last right one."""
    return list_tokens(box.module, access=box.access)[0].pin_count_low


async def test_every_scheme_signs_and_cryptography_verifies(box: TokenBox) -> None:
    keys = {each: await opened(box, each) for each in (RSA_ID, CURVE_ID, EDWARDS_ID)}
    for key_id, scheme in SCHEMES:
        key = keys[key_id]
        value = await key.sign_raw(b"data", scheme)
        public = key.certificate.public_key()
        assert is_signature_by(public, value, data=b"data", scheme=scheme), scheme
        assert not is_signature_by(public, value, data=b"other", scheme=scheme), scheme


async def test_the_key_brings_its_families_certificate_and_chain(box: TokenBox) -> None:
    key = await opened(box)
    assert key.families == {SchemeFamily.RSA_PKCS1, SchemeFamily.RSA_PSS}
    assert key.certificate == RSA.certificate
    assert key.chain == (ISSUING.certificate,)
    assert (await opened(box, CURVE_ID)).families == {SchemeFamily.ECDSA}


async def test_what_the_token_cannot_do_is_refused_and_the_key_stays_usable(box: TokenBox) -> None:
    key = await opened(box)
    for name in ("RSA-PSS/sha3_256", "ECDSA/sha256"):
        with pytest.raises(SchemeUnsupported):
            await key.sign_raw(b"data", scheme_named(name))
    assert await key.sign_raw(b"data", PSS)


async def test_a_key_that_asks_for_its_pin_each_time_gets_it(box: TokenBox) -> None:
    pair = ISSUING.issue("Dung")
    box.put("van-thu", pair.certificate, key=pair.key, key_id=b"\x04", always_authenticate=True)
    key = await opened(box, b"\x04")
    generation = module_at(box.module).generation
    ecdsa = scheme_named("ECDSA/sha256")
    assert await asyncio.gather(*(key.sign_raw(b"data", ecdsa) for _ in range(8)))
    assert module_at(box.module).generation == generation  # no session had to be opened anew


def test_tokens_are_listed_without_a_pin(box: TokenBox) -> None:
    shown = list_tokens(box.module, access=box.access)
    token = shown[0]
    assert (token.label, token.manufacturer) == ("van-thu", "SoftHSM project")
    assert len(token.serial) == 16
    assert token.initialized
    assert token.login_required
    assert not any((token.pin_count_low, token.pin_final_try, token.pin_locked))
    assert {each.key_id for each in token.certificates} == {
        RSA_ID, CURVE_ID, EDWARDS_ID, b"\x09",
    }  # fmt: skip
    assert [each.certificate for each in token.certificates if not each.may_sign] == [
        ISSUING.certificate
    ]
    assert [each.initialized for each in shown] == [True, False]  # SoftHSM shows one that is free


async def test_a_key_is_chosen_by_its_certificate(box: TokenBox) -> None:
    print_of_curve = fingerprint(CURVE.certificate)
    spaced = bytes.fromhex(print_of_curve).hex(":").upper()
    for text in (print_of_curve, spaced):
        key = await open_token_key(
            box.module,
            selector=KeySelector(fingerprint=text),
            pin=PIN.encode(),
            access=box.access,
        )
        assert key.certificate == CURVE.certificate


@pytest.mark.parametrize(
    ("selector", "error"),
    [
        (KeySelector(), KeyAmbiguous),
        (KeySelector(token_label="van-thu"), KeyAmbiguous),
        (KeySelector(key_id=b"\x77"), KeyNotFound),
        (KeySelector(fingerprint="00" * 32), KeyNotFound),
        (KeySelector(key_id=b"\x09"), KeyNotFound),  # a certificate without a private key
        (KeySelector(token_label="khac", key_id=RSA_ID), TokenUnavailable),
        (KeySelector(token_serial="0000", key_id=RSA_ID), TokenUnavailable),
    ],
)
async def test_a_key_that_is_not_there_or_not_the_only_one_is_refused(
    box: TokenBox, selector: KeySelector, error: type[KeyUnusable]
) -> None:
    with pytest.raises(error):
        await open_token_key(box.module, selector=selector, pin=PIN.encode(), access=box.access)
    assert not count_low(box)


async def test_the_only_signing_certificate_needs_no_choice(token_box: TokenBox) -> None:
    token_box.add_token("lanh-dao")
    token_box.put("lanh-dao", RSA.certificate, key=RSA.key, key_id=RSA_ID)
    token_box.put("lanh-dao", ISSUING.certificate, key=None, key_id=b"\x09")
    key = await open_token_key(
        token_box.module, selector=KeySelector(), pin=PIN.encode(), access=token_box.access
    )
    assert key.certificate == RSA.certificate


async def test_a_weak_key_is_refused_before_its_pin_is_used(box: TokenBox) -> None:
    weak = ISSUING.issue("Yếu", key=weak_rsa())
    box.put("van-thu", weak.certificate, key=weak.key, key_id=b"\x05")
    with pytest.raises(KeyTooWeak, match="1024"):
        await opened(box, b"\x05", pin=WRONG_PIN)
    assert not count_low(box)


async def test_a_certificate_beside_another_key_spoils_no_document(box: TokenBox) -> None:
    stranger = ISSUING.issue("Khác", key="rsa2048")
    box.put("van-thu", stranger.certificate, key=RSA.key, key_id=b"\x06")
    key = await opened(box, b"\x06")
    with pytest.raises(KeyNotFound, match="not that of its certificate"):
        await key.sign_raw(b"data", PSS)


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


@pytest.mark.parametrize("content", [None, b"not a library"])
async def test_what_is_no_module_is_refused(token_box: TokenBox, content: bytes | None) -> None:
    path = token_box.directory / "other.so"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TokenModuleUnusable):
        list_tokens(path, access=token_box.access)


def test_a_library_that_is_no_pkcs11_module_is_refused(token_box: TokenBox) -> None:
    with pytest.raises(TokenModuleUnusable):
        list_tokens(Path(_ctypes.__file__), access=token_box.access)


def test_a_state_directory_that_others_may_write_to_is_refused(box: TokenBox) -> None:
    state = box.directory / "open"
    state.mkdir()
    state.chmod(0o777)
    with pytest.raises(TokenModuleUnusable, match="others may write"):
        list_tokens(box.module, access=TokenAccess(state=state))


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
