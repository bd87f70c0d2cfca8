"""Random, damaged and others' documents: the quick way gives the engine's bytes or none."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.creation.credential import Credential
from signer.errors import SignerError
from tests.support import pdfs, plain_kinds
from tests.support.two_ways import quick, taken_rightly, through_the_engine

pytestmark = pytest.mark.usefixtures("frozen")

KINDS = plain_kinds.kinds()
CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "pdf"
# A judge like the others: skipped with its name where it is missing, an error in CI.
needs_corpus = (
    pytest.mark.usefixtures("frozen") if CORPUS.is_dir() else pytest.mark.judge("../shared/corpus")
)


NAMES = st.sampled_from(["/A", "/B", "/C#20d", "/Lang", "/ModDate", "/Producer", "/SigFlags", "/T"])
ATOMS = st.one_of(
    NAMES,
    st.sampled_from(["true", "false", "null", "2 0 R", "3 0 R", "9 0 R", "()", "<>", "-0", "00"]),
    st.integers(-(10**12), 10**12).map(str),
    st.decimals(-1000, 1000, allow_nan=False, places=6).map(str),
    st.binary(max_size=20).map(lambda data: f"<{data.hex()}>"),
    st.text(max_size=12).map(lambda text: f"<{text.encode('utf-16').hex()}>"),
    st.text(alphabet="ab (\\)19n%\r\n/<>", max_size=12).map(lambda text: f"({text})"),
)
SPACES = st.sampled_from([" ", "\n", "\r\n", "  ", " % c\n", "\x00"])


@st.composite
def dictionaries(draw: st.DrawFn, required: str) -> str:
    """A dictionary with these entries and others, of any values, in any layout."""
    values = st.recursive(
        ATOMS,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4).map(lambda each: f"[{' '.join(each)}]"),
            st.dictionaries(NAMES, inner, max_size=3).map(
                lambda each: f"<<{' '.join(f'{key} {value}' for key, value in each.items())}>>"
            ),
        ),
        max_leaves=6,
    )
    others = draw(st.dictionaries(NAMES, values, max_size=4))
    gap = draw(SPACES)
    return f"<<{gap}{required}{gap}{gap.join(f'{k} {v}' for k, v in others.items())}{gap}>>"


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """A document whose structure is plain and whose dictionaries are random."""
    objects = [
        draw(dictionaries(required="/Type /Catalog /Pages 2 0 R")),
        draw(dictionaries(required="/Type /Pages /Kids [3 0 R] /Count 1")),
        draw(dictionaries(required="/Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]")),
        draw(dictionaries(required="/Title (t)")),
    ]
    encoded = [each.encode("latin-1") for each in objects]
    trailer = draw(st.sampled_from(["", "/Info 4 0 R", "/Info 4 0 R /ID [<01> (b)]", "/X [1 .5]"]))
    if draw(st.booleans()):
        packed, predicted = draw(st.booleans()), draw(st.booleans())
        return plain_kinds.with_streams(
            encoded, trailer=trailer.encode(), packed=packed, predicted=predicted
        )
    return pdfs.assemble(encoded, trailer=trailer)


@settings(max_examples=60, deadline=None)
@given(document=documents())
def test_random_documents_get_the_engines_bytes_or_none(
    document: bytes, credentials: list[Credential]
) -> None:
    taken_rightly(document, credentials[len(document) % 2 * 3])


PIECES = (
    *(b"/ << >> [ ] ( ) 0 1 9 - . #41 % null true stream endobj obj R \\".split()),
    *(b"/Type /Page /Prev /Kids /Annots /Size /Perms /Encrypt /Metadata /AcroForm".split()),
    *(b" 0 R,\n,\x00,\xff,1 0 R,2 0 R,3 0 R,/Version /1.4,/XRefStm 9,/Info 1 0 R".split(b",")),
)
PLACES = (b"/Catalog", b"/Page", b"xref", b"trailer", b"/XRef", b"/ObjStm", b"/Fields", b"/Title")


def damaged(document: bytes, dice: random.Random) -> bytes:
    """The document with one to three changes, mostly where its structure is."""
    content = bytearray(document)
    for _ in range(dice.choice((1, 1, 2, 3))):
        at = dice.randrange(len(content))
        near = content.find(dice.choice(PLACES))
        if near >= 0 and dice.random() < 0.6:
            at = min(len(content) - 1, max(0, near + dice.randrange(-30, 60)))
        match dice.randrange(5):
            case 0:
                content[at] ^= 1 << dice.randrange(8)
            case 1:
                del content[at : at + dice.randrange(1, 4)]
            case 2:
                content[at:at] = dice.choice(PIECES)
            case 3:
                piece = dice.choice(PIECES)
                content[at : at + len(piece)] = piece
            case _:
                start = dice.randrange(len(content))
                content[at : at + 12] = content[start : start + 12]
    return bytes(content)


@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_documents_get_the_engines_bytes_or_none(
    credentials: list[Credential], seed: int
) -> None:
    dice = random.Random(seed)
    small = [each for each in KINDS.values() if len(each) < 10_000]
    small += [each + through_the_engine(each, credentials[0]).content for each in small[:4]]
    taken = sum(
        taken_rightly(damaged(dice.choice(small), dice), dice.choice(credentials))
        for _ in range(1500)
    )
    assert taken > 50


@pytest.mark.parametrize("kind", [name for name, each in KINDS.items() if len(each) < 3_000])
def test_integers_written_as_reals_get_the_engines_bytes_or_none(
    kind: str, rsa: Credential
) -> None:
    document = KINDS[kind]
    # Those alone behind which no offsets lie that the change would move.
    behind = document.rindex(b"trailer" if b"trailer" in document else b"/XRef")
    for number in re.finditer(rb"(?<=[ \[])\d+(?=[ >/\]\n])", document[behind:]):
        at = behind + number.end()
        taken_rightly(document[:at] + b".0" + document[at:], rsa)
    for number in re.finditer(rb"(?<=[ \[])\d\d(?=[ >/\]\n])", document[:behind]):
        taken_rightly(document[: number.end() - 1] + b"." + document[number.end() :], rsa)


@needs_corpus
def test_documents_of_other_makers_get_the_engines_bytes_or_none(rsa: Credential) -> None:
    outcomes: Counter[bool] = Counter()
    for path in sorted(CORPUS.glob("*.pdf")):
        document = path.read_bytes()
        if len(document) > 100_000:  # the engine takes its time with them
            continue
        try:
            through_the_engine(document, rsa)
        except SignerError:
            assert quick(document, rsa) is None
            continue
        outcomes[taken_rightly(document, rsa)] += 1
    assert outcomes[True] >= 3 * outcomes[False]
