"""What the tests' token holds, and how its keys are opened."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ed25519

from certs.keys.pkcs11 import TokenKey, open_token_key
from certs.keys.pkcs11_tokens import KeySelector, list_tokens
from certs.keys.pkcs11_turns import TokenAccess
from certs.schemes import scheme_named
from tests.certs.forging import root
from tests.support.tokens import PIN, TokenBox

ROOT = root()
ISSUING = ROOT.authority("Issuing")
RSA = ISSUING.issue("An", key="rsa2048")
CURVE = ISSUING.issue("Bình", key="p384")
EDWARDS = ISSUING.issue("Chi", key=ed25519.Ed25519PrivateKey.generate())  # type: ignore[arg-type]
RSA_ID, CURVE_ID, EDWARDS_ID = b"\x01", b"\x02\x00", b"\x03"
PSS = scheme_named("RSA-PSS/sha256")


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
