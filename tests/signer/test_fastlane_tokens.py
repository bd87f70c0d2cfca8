"""Dictionaries of the usual spelling, read at once: what comes out is what single tokens give."""

from __future__ import annotations

import random

import pytest

from signer.fastlane.tokens import Entries, NotPlain, read_entries

ATOMS = (
    *(b"/Page / /A.b-c /A#20b 0 -0 00 7 -12 1.50 595.32 .5 0.5 +4 12345678901 1.5. R".split()),
    *(b"true null nil false( (a) () (\\(\\)) (a(b)c) (D:2026+07'00') [ ] ( ) < % {} \xc3".split()),
    *(b"<> <41> <4> <FEFF1EA4> <</A>> << >> stream endobj".split()),
    *(b"(b\n(\\101)) (\\101) (a-b) (\\376\\377) (D\\072\\0531a)".split(b" ")),
    *(b"3 0 R", b"12 10 R", b"03 0 R", b"3  0 R", b"3 0 RG", b"[0 0 595 842]"),
    *(
        b"[/A/B(c)<64>]",
        b"[ [1] ]",
        b"[1 % c\n 2]",
        b"[1 0 3 0 R]",
        b"[<</B 1>>]",
        b"[a]",
        b"[1.0]",
    ),
    *(
        b"<</B 1>>",
        b"<</B [1.0 3 0 R]>>",
        b"<< /B <</C [3 0 R]>> >>",
        b"<</B 1/B 2>>",
        b"<</B<</B<</B<</B<</B 1>>>>>>>>>>",
    ),
)
KEYS = (b"/A", b"/B", b"/Type", b"/A#42", b"/ID", b"/", b"A")
GAPS = (b"", b" ", b"\n", b"\r\n ", b"\x00", b"%\n", b"\x0b")


def random_dictionary(dice: random.Random) -> bytes:
    """A dictionary of up to five entries in any layout, well formed or not."""
    # Few odd things each, for one of them decides.
    gaps = [dice.choice(GAPS), b" ", b" ", b" ", b""]
    atoms = [dice.choice(ATOMS) for _ in range(4)]
    entries = [
        part
        for key in dice.sample(KEYS[:5], dice.randrange(6))
        for part in (
            dice.choice(KEYS) if dice.random() < 0.05 else key,
            dice.choice(gaps),
            dice.choice(atoms),
            dice.choice(gaps),
        )
    ]
    return b"<<%b%b>>%b" % (dice.choice(gaps), b"".join(entries), dice.choice(ATOMS))


def read(data: bytes, at: int) -> tuple[Entries, int] | None:
    try:
        return read_entries(data, at)
    except (ValueError, ArithmeticError):
        return None


@pytest.mark.parametrize("seed", range(4))
def test_dictionaries_read_at_once_are_those_read_token_by_token(seed: int) -> None:
    dice = random.Random(seed)
    taken = 0
    for _ in range(2_000):
        written = random_dictionary(dice)
        at_once = read(written, 0)
        # A comment before it is not usual.
        by_token = read(b"%%\n%b" % written, 0)
        if by_token is not None:
            taken += 1
            by_token = by_token[0], by_token[1] - 2
        assert at_once == by_token, written
        if at_once is not None and by_token is not None:
            assert list(at_once[0]) == list(by_token[0])
            kinds = [[type(value) for value in read[0].values()] for read in (at_once, by_token)]
            assert kinds[0] == kinds[1], written
    assert taken > 300


def test_a_dictionary_of_more_values_than_are_read_is_refused_however_it_is_spelt() -> None:
    with pytest.raises(NotPlain):
        read_entries(b"<< /A [%b] >>" % (b"0 " * 25_000), 0)
