"""The quick way to a signature: whatever it gives, the engine would have given byte for byte."""

from __future__ import annotations

import os
import random
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Self

import pyhanko.pdf_utils.metadata.info
import pyhanko.pdf_utils.metadata.xmp_xml
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import signer.fastlane
from certs.keys.file import FileKey
from certs.schemes import scheme_named
from signer.appearance import Appearance, Box
from signer.credential import Credential, credential_of
from signer.errors import DocumentRefused, SignerError
from signer.fastlane import fast_update
from signer.preparation import prepare_update
from signer.requests import FieldLock, Level, LockAction, Permission, SigningRequest
from signer.source import Source
from signer.update import PendingUpdate
from tests.support import pdfs, plain_kinds
from tests.support.practice import Practice, file_key

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "pdf"
KINDS = plain_kinds.kinds()
RESERVE = 400

# A judge like the others: skipped with its name where it is missing, an error in CI.
needs_corpus = (
    pytest.mark.usefixtures("frozen") if CORPUS.is_dir() else pytest.mark.judge("../shared/corpus")
)


class StoppedClock(datetime):
    """A clock that stands still, for both ways alike."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls(2026, 3, 2, 8, 30, 1, 123456, tzinfo=UTC).astimezone(tz)


SIGNED_AT = StoppedClock.now(UTC)


@pytest.fixture(scope="module", autouse=True)
def frozen() -> Iterator[None]:
    """Stop the clock and the dice: only they may make the two ways differ."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (
            signer.fastlane,
            pyhanko.pdf_utils.metadata.info,
            pyhanko.pdf_utils.metadata.xmp_xml,
        ):
            patch.setattr(module, "datetime", StoppedClock)
        patch.setattr(os, "urandom", lambda size: bytes(range(1, size + 1)))
        yield


def credential(key: FileKey, scheme: str) -> Credential:
    return credential_of(key.certificate, key.chain, scheme=scheme_named(scheme))


@pytest.fixture(scope="module")
def rsa(leader_key: FileKey) -> Credential:
    return credential(leader_key, "RSA-PKCS1/sha256")


@pytest.fixture(scope="module")
def credentials(leader_key: FileKey, rsa: Credential, practice: Practice) -> list[Credential]:
    """RSA with and without what ISO/TS 32001 adds, PSS, and a curve of ISO/TS 32002."""
    curve_key = file_key(practice.authority.issue_person("Lê Bình", organisation="X", key="p256"))
    return [
        rsa,
        credential(leader_key, "RSA-PSS/sha256"),
        credential(leader_key, "RSA-PSS/sha3_256"),
        credential(curve_key, "ECDSA/sha256"),
        credential(curve_key, "ECDSA/sha3_256"),
    ]


def request_for(**fields: object) -> SigningRequest:
    return SigningRequest(level=Level.B_B, signed_at=SIGNED_AT, **fields)  # type: ignore[arg-type]


def quick(
    document: bytes, credential: Credential, request: SigningRequest | None = None
) -> PendingUpdate | None:
    return fast_update(
        Source.of_bytes(document),
        credential=credential,
        request=request or request_for(),
        reserve=RESERVE,
    )


def through_the_engine(
    document: bytes, credential: Credential, request: SigningRequest | None = None
) -> PendingUpdate:
    return prepare_update(
        Source.of_bytes(document),
        credential=credential,
        request=request or request_for(),
        reserve=RESERVE,
    )


def taken_rightly(
    document: bytes, credential: Credential, request: SigningRequest | None = None
) -> bool:
    """Whether the quick way takes the document; if so, both ways must give the same bytes."""
    update = quick(document, credential, request)
    if update is None:
        return False
    assert update == through_the_engine(document, credential, request)
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_every_plain_kind_gets_the_engines_bytes(kind: str, credentials: list[Credential]) -> None:
    for each in credentials:
        assert taken_rightly(KINDS[kind], each)


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_and_a_third_signature_get_the_engines_bytes(
    kind: str, credentials: list[Credential]
) -> None:
    document = KINDS[kind]
    for each in (credentials[0], credentials[3], credentials[0]):
        assert taken_rightly(document, each)
        document += through_the_engine(document, each).content


@pytest.mark.parametrize(
    "fields",
    [
        {"field_name": "CoQuan"},
        {"field_name": "Cơ quan (1)"},
        {"reason": "Phê duyệt", "location": "Thanh Hóa"},
        {"reason": "Approved (1)\n", "location": ""},
    ],
    ids=repr,
)
def test_names_and_texts_of_a_request_are_written_as_the_engine_does(
    rsa: Credential, fields: dict[str, object]
) -> None:
    assert taken_rightly(KINDS["table and Info"], rsa, request_for(**fields))


def test_a_document_in_a_file_gets_the_same_update_as_one_in_memory(
    rsa: Credential, tmp_path: Path
) -> None:
    for index, document in enumerate(KINDS.values()):
        path = tmp_path / f"{index}.pdf"
        path.write_bytes(document)
        with Source.of_file(path) as source:
            update = fast_update(source, credential=rsa, request=request_for(), reserve=RESERVE)
        assert update == quick(document, rsa)


def test_a_document_followed_by_an_update_is_read_as_one(rsa: Credential) -> None:
    document = KINDS["object stream and XMP"]
    first = through_the_engine(document, rsa)
    followed = Source.of_bytes(document).followed_by(first.content)
    update = fast_update(followed, credential=rsa, request=request_for(), reserve=RESERVE)
    assert update is not None
    assert update == through_the_engine(document + first.content, rsa)


@pytest.mark.parametrize(
    "request_",
    [
        request_for(
            appearance=Appearance(
                lines=("A",), box=Box(page=1, left_mm=10, bottom_mm=10, width_mm=40, height_mm=20)
            )
        ),
        request_for(certification=Permission.FILL_FORMS),
        request_for(lock=FieldLock(action=LockAction.ALL)),
        request_for(field_name="a.b"),
        request_for(field_name="SoVanBan"),
    ],
    ids=["seen", "certifying", "locking", "a name of two parts", "an existing field"],
)
def test_signatures_of_other_kinds_are_left_to_the_engine(
    rsa: Credential, request_: SigningRequest
) -> None:
    document = KINDS["a form of text fields"]
    assert quick(document, rsa) is not None
    assert quick(document, rsa, request_) is None


def certified(credential: Credential) -> bytes:
    document = pdfs.one_page()
    request = request_for(certification=Permission.FILL_FORMS)
    return document + through_the_engine(document, credential, request).content


def locked(credential: Credential) -> bytes:
    document = pdfs.one_page()
    request = request_for(lock=FieldLock(action=LockAction.ALL))
    return document + through_the_engine(document, credential, request).content


def test_documents_that_restrict_changes_or_hide_their_bytes_are_left_to_the_engine(
    rsa: Credential,
) -> None:
    for document in (certified(rsa), locked(rsa), pdfs.encrypted(pdfs.one_page())):
        assert quick(document, rsa) is None


# --- random documents ---------------------------------------------------------------------------

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


# --- damage -------------------------------------------------------------------------------------

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


HOSTILE = {
    "deep": b"<< /Type /Catalog /Pages 2 0 R /A " + b"[" * 200_000 + b"]" * 200_000 + b" >>",
    "long": b"<< /Type /Catalog /Pages 2 0 R /A [" + b" 1" * 200_000 + b"] >>",
    "digits": b"<< /Type /Catalog /Pages 2 0 R /A " + b"1" * 200_000 + b" >>",
    "parentheses": b"<< /Type /Catalog /Pages 2 0 R /A " + b"(" * 200_000 + b" >>",
    "escapes": b"<< /Type /Catalog /Pages 2 0 R /A (" + b"\\" * 200_001 + b" >>",
    "comments": b"<< /Type /Catalog /Pages 2 0 R " + b"%\n" * 200_000,
    "white space": b"<< /Type /Catalog /Pages 2 0 R " + b" " * 400_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_documents_cost_little_and_are_not_taken(kind: str, rsa: Credential) -> None:
    document = pdfs.assemble([HOSTILE[kind], plain_kinds.PAGES, plain_kinds.PAGE])
    begun = time.process_time()
    with suppress(DocumentRefused):
        assert quick(document, rsa) is None
    assert time.process_time() - begun < 0.5


MANY_FIELDS = (
    b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [" + b" 4 0 R" * 200 + b" ] >> >>"
)
COSTLY_VALUES = {
    "escapes": b"(" + b"\\101" * 15_000 + b")",
    "bytes": b"(" + b"\x80" * 60_000 + b")",
    "names": b"[" + b"/A#20" * 12_000 + b" ]",
    "a large object": b"(" + b"\\101" * 500_000 + b")",
}


@pytest.mark.parametrize("kind", COSTLY_VALUES)
def test_an_object_that_is_named_again_and_again_costs_little(kind: str, rsa: Credential) -> None:
    field = b"<< /T (x) /FT /Tx /A " + COSTLY_VALUES[kind] + b" >>"
    document = pdfs.assemble([MANY_FIELDS, plain_kinds.PAGES, plain_kinds.PAGE, field])
    begun = time.process_time()
    assert quick(document, rsa) is None
    assert time.process_time() - begun < 1.0


def test_revisions_in_very_many_parts_cost_little(rsa: Credential) -> None:
    document = pdfs.assemble([plain_kinds.CATALOG, plain_kinds.PAGES, plain_kinds.PAGE])
    part = b"0000000009 00000 n \n" * 6
    parts = b"".join(b"%d 6\n%b" % (10 + 8 * number, part) for number in range(198))
    previous = int(document.rsplit(b"startxref\n", 1)[1].split()[0])
    for _ in range(14):
        at = len(document)
        document += b"xref\n%btrailer\n<< /Size 5000 /Root 1 0 R /Prev %d >>\n" % (parts, previous)
        document += b"startxref\n%d\n%%%%EOF\n" % at
        previous = at
    begun = time.process_time()
    assert quick(document, rsa) is None
    assert time.process_time() - begun < 0.5


def test_streams_that_grow_beyond_measure_are_not_unpacked(rsa: Credential) -> None:
    bomb = plain_kinds.stream(
        b"/Type /Metadata /Subtype /XML /Filter /FlateDecode", zlib.compress(bytes(50_000_000))
    )
    objects = [plain_kinds.with_xmp()[0], *plain_kinds.with_xmp()[1:4], bomb]
    begun = time.process_time()
    assert quick(pdfs.assemble(objects), rsa) is None
    assert time.process_time() - begun < 0.5


def test_a_circle_of_sections_or_pages_ends(rsa: Credential) -> None:
    circle = [plain_kinds.CATALOG, b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"]
    assert quick(pdfs.assemble(circle), rsa) is None
    start = int(KINDS["table"].rsplit(b"startxref\n", 1)[1].split()[0])
    assert quick(pdfs.assemble(circle, trailer=f"/Prev {start}"), rsa) is None


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
