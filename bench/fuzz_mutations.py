"""Damage to a signed document in place: bytes, tokens, tables, hex strings, revisions (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from typing import Final, Protocol

from bench.fuzz_seeds import Seed


class Mutation(Protocol):
    """Makes a damaged document of a seed; others: all seeds, to take parts from."""

    __name__: str

    def __call__(self, seed: Seed, chance: Random, *, others: Sequence[Seed]) -> bytes:
        """Return the damaged document."""


_TOKEN = re.compile(rb"/[A-Za-z0-9#]+|\d+|<<|>>|\[|\]|\(|\)|\bR\b|\bobj\b|\bendobj\b|stream")
_CONTENTS = re.compile(rb"/Contents ?<([0-9A-Fa-f]{64,})>")
_TABLE_ROW = re.compile(rb"\d{10} \d{5} [nf]")
_TRAILER_NUMBER = re.compile(rb"(?:startxref\s+|/Prev |/Size |/Root |/XRefStm |/Info )(\d+)")
_BYTE_RANGE = re.compile(rb"/ByteRange ?\[([^\]]*)\]")
_NAME = re.compile(rb"/([A-Z][A-Za-z]{2,})")
_INTERESTING: Final = (b"0", b"1", b"-1", b"2", b"65535", b"99999999999", b"4294967296", b"1.5")


def flipped_bytes(seed: Seed, chance: Random, **_others: Sequence[Seed]) -> bytes:
    """Change, insert or delete one to four bytes, one to three times."""
    content = bytearray(seed.content)
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


def moved_block(seed: Seed, chance: Random, *, others: Sequence[Seed]) -> bytes:
    """Overwrite a run of bytes with another run of the file, or of another file."""
    source = (chance.choice(others) if chance.random() < 0.3 else seed).content
    length = chance.choice((8, 64, 512, 4096))
    start, at = chance.randrange(len(source)), chance.randrange(len(seed.content))
    run = source[start : start + length]
    insert = chance.random() < 0.3
    return seed.content[:at] + run + seed.content[at if insert else at + len(run) :]


def changed_token(seed: Seed, chance: Random, **_others: Sequence[Seed]) -> bytes:
    """Exchange, drop or double one token outside of the signatures' hex strings."""
    content = seed.content
    found = [match for match in _TOKEN.finditer(content) if match.end() - match.start() < 40]
    match = chance.choice(found)
    other = chance.choice(found).group()
    if match.group().isdigit() and chance.random() < 0.5:
        other = chance.choice((*_INTERESTING, b"%d" % (int(match.group()) + chance.randint(-3, 3))))
    new = chance.choice((other, b"", match.group() + b" " + match.group()))
    if chance.random() < 0.5:
        new = new[: len(match.group())].ljust(len(match.group()))
    return content[: match.start()] + new + content[match.end() :]


def edited_table(seed: Seed, chance: Random, **_others: Sequence[Seed]) -> bytes:
    """Let a row of a cross-reference table, or a number of a trailer, name another place."""
    content = seed.content
    rows = list(_TABLE_ROW.finditer(content))
    numbers = list(_TRAILER_NUMBER.finditer(content))
    if rows and chance.random() < 0.6:
        match = chance.choice(rows)
        objects = [each.start(1) for each in re.finditer(rb"[\r\n](\d+ \d+ obj)", content)]
        places = (chance.choice(objects or [0]), chance.randrange(len(content)))
        new = b"%010d %05d %b" % (
            chance.choice(places),
            chance.choice((0, 0, 0, 1, 65535)),
            chance.choice((b"n", b"n", b"f")),
        )
        return content[: match.start()] + new + content[match.end() :]
    match = chance.choice(numbers)
    other = chance.choice(numbers).group(1)
    new = chance.choice((other, b"%d" % (int(match.group(1)) + chance.randint(-20, 20)), b"0"))
    return content[: match.start(1)] + new + content[match.end(1) :]


def edited_byte_range(seed: Seed, chance: Random, **_others: Sequence[Seed]) -> bytes:
    """Change a number of a /ByteRange, its length kept where it can be."""
    match = chance.choice(list(_BYTE_RANGE.finditer(seed.content)) or [None])
    if match is None:
        return seed.content
    numbers = match.group(1).split()
    at = chance.randrange(len(numbers))
    value = int(numbers[at]) if numbers[at].isdigit() else 0
    numbers[at] = chance.choice((b"%d" % (value + chance.randint(-9, 9)), b"0", b"-1", b"null"))
    new = b" ".join(numbers).ljust(len(match.group(1)))
    return seed.content[: match.start(1)] + new + seed.content[match.end(1) :]


def respelled_hex(seed: Seed, chance: Random, **_others: Sequence[Seed]) -> bytes:
    """Spell a signature's hex string otherwise: case, white space, odd digits, other ends."""
    match = chance.choice(list(_CONTENTS.finditer(seed.content)) or [None])
    if match is None:
        return seed.content
    digits = match.group(1)
    at = chance.randrange(len(digits))
    spelled = chance.choice(
        (
            digits.swapcase(),
            digits[:at].upper() + digits[at:].lower(),
            digits[:at] + b" " + digits[at + 1 :],
            digits[:at] + b"\n" + digits[at + 1 :],
            digits[:at] + b">" + digits[at + 1 :],
            digits[:at] + b"><" + digits[at + 2 :],
            digits[:at] + b"> /X <" + digits[at + 6 :],
            digits[:-2] + chance.choice((b"01", b"  ", b"ff", b">>", b"0 ")),
            digits[:-1],
            digits + b"0",
            digits[:at] + b"%\n" + digits[at + 2 :],
        )
    )
    return seed.content[: match.start(1)] + spelled + seed.content[match.end(1) :]


def respelled_name(seed: Seed, chance: Random, **_others: Sequence[Seed]) -> bytes:
    """Spell a name with an escape (#42), which makes it longer."""
    match = chance.choice(list(_NAME.finditer(seed.content)))
    name = match.group(1)
    at = chance.randrange(len(name))
    new = name[:at] + b"#%02X" % name[at] + name[at + 1 :]
    return seed.content[: match.start(1)] + new + seed.content[match.end(1) :]


def spliced_revisions(seed: Seed, chance: Random, *, others: Sequence[Seed]) -> bytes:
    """Cut the file at a revision's end, and go on with revisions of this or another file."""
    if chance.random() < 0.3:
        at = chance.choice((*seed.ends, chance.randrange(len(seed.content))))
        return seed.content[:at]
    donor = chance.choice((seed, seed, chance.choice(others)))
    starts = (0, *donor.ends[:-1])
    first = chance.randrange(len(donor.ends))
    last = chance.randrange(first, len(donor.ends))
    update = donor.content[starts[first] : donor.ends[last]]
    base = seed.content[: chance.choice(seed.ends)]
    if chance.random() < 0.7:
        update = relocated(update, len(base) - starts[first], previous=_last_startxref(base))
    middle = base if chance.random() < 0.8 else base[: chance.randrange(len(base))]
    return middle + update


def relocated(update: bytes, shift: int, *, previous: int) -> bytes:
    """Move the offsets of an update's tables, so that it holds at another place of a file."""

    def moved(match: re.Match[bytes]) -> bytes:
        return b"%010d" % max(0, int(match.group(1)) + shift) + match.group(2)

    update = re.sub(rb"(\d{10})( \d{5} n)", moved, update)
    update = re.sub(
        rb"startxref(\s+)(\d+)",
        lambda match: b"startxref%b%d" % (match.group(1), max(0, int(match.group(2)) + shift)),
        update,
    )
    return re.sub(rb"/Prev \d+", b"/Prev %d" % previous, update)


def _last_startxref(content: bytes) -> int:
    found = re.findall(rb"startxref\s+(\d+)", content)
    return int(found[-1]) if found else 0


MUTATIONS: Final[tuple[Mutation, ...]] = (
    flipped_bytes,
    moved_block,
    changed_token,
    edited_table,
    edited_byte_range,
    respelled_hex,
    respelled_name,
    spliced_revisions,
)
