"""Random damage to a signed document: none that changes a signed byte is ever accepted."""

from __future__ import annotations

import random

import pytest

from signer.verdicts import Verdict
from tests.support.verification import Judge

MUTANTS = 400


def mutated(document: bytes, chance: random.Random) -> bytes:
    """Return the document with one to three random changes of one to four bytes."""
    content = bytearray(document)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(content))
        match chance.randrange(4):
            case 0:
                content[at] ^= 1 << chance.randrange(8)
            case 1:
                content[at : at + 4] = chance.randbytes(4)
            case 2:
                content[at:at] = chance.randbytes(chance.randint(1, 4))
            case _:
                del content[at : at + chance.randint(1, 4)]
    return bytes(content)


def signed_parts(document: bytes) -> bytes:
    """Return everything but the inside of the last /Contents, and that without its padding."""
    start = document.rindex(b"/Contents <")
    end = document.index(b">", start)
    return document[:start] + document[start:end].rstrip(b"0").lower() + document[end:]


@pytest.mark.parametrize("seed", [1, 2])
def test_no_damage_to_signed_bytes_is_accepted(judge: Judge, stamped: bytes, seed: int) -> None:
    chance = random.Random(seed)
    original = signed_parts(stamped)
    valid = 0
    for _ in range(MUTANTS // 2):
        mutant = mutated(stamped, chance)
        report = judge(mutant)
        if report.verdict is Verdict.VALID:
            # Only what changes nothing: the case of a hexadecimal digit, or no change at all.
            assert signed_parts(mutant) == original
            valid += 1
    assert valid < MUTANTS // 20
