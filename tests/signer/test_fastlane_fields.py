"""Empty fields that a form has already: signed the quick way only as the engine would."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.creation.credential import Credential
from signer.creation.requests import FieldLock, LockAction, Permission, SigningRequest
from signer.errors import ChangesForbidden, FieldExists, FieldUnusable, SignerError
from signer.office.number_and_date import LEADER_FIELD, SEAL_FIELD
from signer.pages.appearance import Appearance
from tests.support import pdfs, plain_kinds
from tests.support.lawful import numbered, prepared
from tests.support.pictures import seal_picture
from tests.support.two_ways import quick, request_for, taken_rightly, through_the_engine

pytestmark = pytest.mark.usefixtures("frozen")

BOX = (100, 100, 300, 160)
FIELD = b"/Type /Annot /Subtype /Widget /FT /Sig /T (F) /F 132 /Rect [100 100 300 160]"
FORM = b"/AcroForm << /Fields [4 0 R] >>"
IN_F = request_for(field_name="F")
CAN_BE_PREPARED = {
    name: document
    for name, document in plain_kinds.kinds().items()
    if name != "a form of text fields"
}


def with_field(
    field: bytes = FIELD + b" /P 3 0 R",
    *,
    form: bytes = FORM,
    page: bytes = b"/Annots [4 0 R]",
    pages: bytes = b"",
    others: tuple[bytes, ...] = (),
    streams: bool = False,
) -> bytes:
    """A document whose object 4 is a field, or not quite one."""
    objects = [
        plain_kinds.CATALOG[:-2] + form + b">>",
        plain_kinds.PAGES[:-2] + pages + b">>",
        plain_kinds.PAGE[:-2] + page + b">>",
        b"<< " + field + b" >>",
        *others,
    ]
    return plain_kinds.with_streams(objects) if streams else pdfs.assemble(objects)


TURNED = FIELD + b" /P 3 0 R"
SOUND: dict[str, bytes] = {
    "the form in the catalog": with_field(),
    "in an object stream": with_field(streams=True),
    "the form apart": with_field(form=b"/AcroForm 5 0 R", others=(b"<< /Fields [4 0 R] >>",)),
    "the list of fields apart": with_field(
        form=b"/AcroForm << /Fields 5 0 R /SigFlags 1 >>", others=(b"[4 0 R]",)
    ),
    "both apart": with_field(
        form=b"/AcroForm 5 0 R", others=(b"<< /Fields 6 0 R >>", b"[ 4 0 R ]")
    ),
    "append only already": with_field(form=b"/AcroForm << /SigFlags 3 /Fields [4 0 R] >>"),
    "append only already, apart": with_field(
        form=b"/AcroForm 5 0 R", others=(b"<< /Fields [4 0 R] /SigFlags 3 >>",)
    ),
    "appearances wanted": with_field(
        form=b"/AcroForm 5 0 R",
        others=(b"<< /NeedAppearances true /Fields [4 0 R] /SigFlags 3 /DA (/H 0 Tf) >>",),
    ),
    "no area": with_field(FIELD.replace(b"300 160", b"100 160")),
    "no area, drawn": with_field(FIELD.replace(b"300 160", b"300 100") + b" /AP << /N 5 0 R >>"),
    "drawn already": with_field(b"/AP << /N 5 0 R /D 5 0 R >> /AS /Off " + FIELD + b"/MK << >>"),
    "drawn apart": with_field(FIELD + b" /AP 5 0 R", others=(b"<< >>",)),
    "upside down": with_field(FIELD.replace(b"100 100 300 160", b"300.5 160.25 100 -.125")),
    "a narrow one": with_field(FIELD.replace(b"100 100 300 160", b"0 0 .00001 1")),
    "a turned page": with_field(TURNED, page=b"/Rotate 90"),
    "turned by its parent": with_field(TURNED, pages=b"/Rotate -90"),
    "turned against its parent": with_field(TURNED, pages=b"/Rotate 90", page=b"/Rotate 180"),
    "turned once around": with_field(TURNED, page=b"/Rotate 450"),
    "no page of its own": with_field(FIELD, page=b"/Rotate 90"),
    "on no list of the page": with_field(page=b""),
    "texts and flags": with_field(
        FIELD + b" /P 3 0 R /TU (Ch\\374 k\\375) /TM <FEFF0110> /Ff 1 /AA << /X << >> >> /DA ()"
    ),
    "other fields around it": with_field(
        form=b"/AcroForm << /Fields [5 0 R 4 0 R 6 0 R] >>",
        others=(
            b"<< /FT /Tx /T (SoVanBan) /V (09) >>",
            b"<< /FT /Sig /T (F2) /Type /Annot /Subtype /Widget /Rect [0 0 0 0] >>",
        ),
    ),
}


@pytest.mark.parametrize("kind", SOUND)
def test_every_empty_field_of_the_plain_kind_gets_the_engines_bytes(
    kind: str, credentials: list[Credential]
) -> None:
    for each in credentials:
        assert taken_rightly(SOUND[kind], each, IN_F)


@pytest.mark.parametrize("box", [BOX, None], ids=["seen", "unseen"])
@pytest.mark.parametrize("kind", CAN_BE_PREPARED)
def test_fields_in_every_plain_kind_of_document_get_the_engines_bytes(
    kind: str, box: tuple[int, int, int, int] | None, credentials: list[Credential]
) -> None:
    document = pdfs.with_empty_field(CAN_BE_PREPARED[kind], "Cơ quan (1)", box=box)
    for each in (credentials[0], credentials[3]):
        request = request_for(field_name="Cơ quan (1)", reason="Phê duyệt", location="Huế")
        assert taken_rightly(document, each, request)


@pytest.mark.parametrize("kind", CAN_BE_PREPARED)
def test_prepared_fields_of_leader_and_seal_get_the_engines_bytes_in_turn(
    kind: str, credentials: list[Credential]
) -> None:
    document = prepared(CAN_BE_PREPARED[kind])
    for_leader, for_seal = (request_for(field_name=each) for each in (LEADER_FIELD, SEAL_FIELD))
    assert taken_rightly(document, credentials[0], for_leader)
    document += through_the_engine(document, credentials[0], for_leader).content
    document = numbered(document)
    assert taken_rightly(document, credentials[3], for_seal)
    document += through_the_engine(document, credentials[3], for_seal).content
    assert taken_rightly(document, credentials[0])


def locked(credential: Credential, lock: FieldLock) -> bytes:
    document = pdfs.with_empty_field(pdfs.one_page(), "F", box=BOX)
    return document + through_the_engine(document, credential, request_for(lock=lock)).content


def certified(credential: Credential, permission: Permission) -> bytes:
    document = pdfs.with_empty_field(pdfs.one_page(), "F", box=BOX)
    request = request_for(certification=permission)
    return document + through_the_engine(document, credential, request).content


def signed(credential: Credential) -> bytes:
    return with_field() + through_the_engine(with_field(), credential, IN_F).content


REFUSED: dict[str, tuple[Callable[[Credential], bytes], type[SignerError]]] = {
    "signed": (signed, FieldExists),
    "no signature field": (lambda _: with_field(FIELD.replace(b"/Sig", b"/Tx")), FieldExists),
    "locked": (lambda rsa: locked(rsa, FieldLock(action=LockAction.ALL)), ChangesForbidden),
    "locked by name": (
        lambda rsa: locked(rsa, FieldLock(action=LockAction.INCLUDE, fields=("F",))),
        ChangesForbidden,
    ),
    "certified": (lambda rsa: certified(rsa, Permission.NO_CHANGES), ChangesForbidden),
    "two widgets": (
        lambda _: with_field(
            b"/FT /Sig /T (F) /Kids [5 0 R 6 0 R]",
            others=(b"<< /Parent 4 0 R /Rect [0 0 9 9] >>",) * 2,
        ),
        FieldUnusable,
    ),
    "a time-stamp demanded": (
        lambda _: with_field(
            FIELD + b" /SV << /Type /SV /TimeStamp << /URL (http://a) /Ff 1 >> >>"
        ),
        FieldUnusable,
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_the_engine_refuses_is_left_to_it(kind: str, rsa: Credential) -> None:
    make, error = REFUSED[kind]
    document = make(rsa)
    assert quick(document, rsa, IN_F) is None
    with pytest.raises(error):
        through_the_engine(document, rsa, IN_F)


LEFT: dict[str, bytes] = {
    "a widget apart": with_field(
        b"/FT /Sig /T (F) /Kids [5 0 R]", others=(b"<< /Parent 4 0 R /Rect [0 0 9 9] >>",)
    ),
    "seed values": with_field(FIELD + b" /SV << /Type /SV >>"),
    "a lock": with_field(FIELD + b" /Lock << /Type /SigFieldLock /Action /All >>"),
    "a value of null": with_field(FIELD + b" /V null"),
    "two fields of one name": with_field(
        form=b"/AcroForm << /Fields [4 0 R 5 0 R] >>", others=(b"<< " + FIELD + b" >>",)
    ),
    "one field twice": with_field(form=b"/AcroForm << /Fields [4 0 R 4 0 R] >>"),
    "a rectangle elsewhere": with_field(
        FIELD.replace(b"[100 100 300 160]", b"5 0 R"), others=(b"[0 0 9 9]",)
    ),
    "hardly an area": with_field(FIELD.replace(b"100 100 300 160", b"0 0 9 .999999")),
    "a page that is none": with_field(FIELD + b" /P 9 0 R"),
}


@pytest.mark.parametrize("kind", LEFT)
def test_fields_of_other_kinds_are_left_to_the_engine(kind: str, rsa: Credential) -> None:
    assert quick(LEFT[kind], rsa, IN_F) is None


@pytest.mark.parametrize(
    "request_",
    [
        request_for(field_name="F", appearance=Appearance(picture=seal_picture())),
        request_for(field_name="F", certification=Permission.FILL_FORMS),
        request_for(field_name="F", lock=FieldLock(action=LockAction.ALL)),
    ],
    ids=["a picture", "certifying", "locking"],
)
def test_signatures_of_other_kinds_in_a_field_are_left_to_the_engine(
    rsa: Credential, request_: SigningRequest
) -> None:
    assert quick(with_field(), rsa, request_) is None
    assert through_the_engine(with_field(), rsa, request_)


@pytest.mark.parametrize("name", ["þÿAB", "\u4142", "F.G", "f"])
def test_a_field_is_found_by_the_name_that_the_engine_reads(rsa: Credential, name: str) -> None:
    document = with_field(FIELD.replace(b"(F)", b"<FEFF4142>"))
    taken_rightly(document, rsa, request_for(field_name=name))
    assert (quick(document, rsa, request_for(field_name=name)) is None) == (name in {"þÿAB", "F.G"})


def test_a_field_that_is_another_object_too_gets_the_engines_bytes_or_none(rsa: Credential) -> None:
    """Its own page, form, Info, catalog: what is changed in one role shows in the other."""
    own_form = FIELD + b" /Fields [4 0 R] /P 4 0 R"
    documents = [
        with_field(own_form, form=b"/AcroForm 4 0 R"),
        with_field(own_form + b" /SigFlags 3", form=b"/AcroForm 4 0 R"),
        with_field(own_form + b" /Rotate 90"),
        with_field(form=b"/AcroForm << /Fields [1 0 R] >>" + FIELD),
        with_field(
            form=b"/AcroForm << /Fields [2 0 R] >>", pages=FIELD.replace(b"/Annot", b"/Pages")
        ),
        with_field(form=b"/AcroForm << /Fields [3 0 R] >>", page=FIELD[12:] + b" /P 3 0 R"),
        with_field(FIELD + b" /V 4 0 R"),
    ]
    for document in documents:
        taken_rightly(document, rsa, IN_F)
        taken_rightly(document.replace(b"/Root", b"/Info 4 0 R /Root"), rsa, IN_F)


KEYS = tuple(
    b"/V /SV /Lock /Kids /Parent /AP /AS /P /Rect /F /Ff /T /FT /DA /DV /MK /AA /A /TU /Type "
    b"/Subtype /Rotate /SigFlags /Fields /NeedAppearances /Border /BS /X#20y".split()
)
VALUES = (
    *b"null true false 0 1 3 -90 90 45 90.0 () (F) (G) <46> <FEFF0046> /Sig /Tx /Widget".split(),
    *b"/Annot,<<,[],[0],1#20,[0 0 9],[0 0 9 9],[9 9 0 0],[0 0 0 9],[.5 -1.25 +3 007]".split(b","),
    *b"1 0 R,2 0 R,3 0 R,4 0 R,5 0 R,6 0 R,9 0 R,4 1 R,[ 4 0 R ],[ 5 0 R 4 0 R ]".split(b","),
    *b"<< >>,<< /N 5 0 R >>,<< /P 1 /Action /All >>,[0 0 9 9.00000000000001]".split(b","),
    *b"[0 0 (9) 9],[0 0 /A 9],[0 0 6 0 R 9],[1e3 0 9 9],[0 0 9 9 9],[0.1 0.2 0.3 0.7]".split(b","),
)
OTHERS = (
    b"<< /FT /Sig /T (G) /Type /Annot /Subtype /Widget /Rect [0 0 50 50] /P 3 0 R >>",
    b"9.5",
    b"<< /Type /Sig /Filter /X >>",
)


SOUND_ENTRIES = {
    "field": {
        b"/Type": b"/Annot",
        b"/Subtype": b"/Widget",
        b"/FT": b"/Sig",
        b"/T": b"(F)",
        b"/F": b"132",
        b"/Rect": b"[100 100 300.5 160]",
        b"/P": b"3 0 R",
        b"/AP": b"<< /N 6 0 R >>",
    },
    "form": {b"/Fields": b"[ 5 0 R 4 0 R ]", b"/SigFlags": b"1"},
    "page": {},
    "pages": {},
}
CHANGED = ("field", "field", "field", "field", "form", "page", "pages")


def mutant(dice: random.Random) -> bytes:
    """A document in which a field, its form, its page or its tree have got odd entries."""
    entries = {name: dict(each) for name, each in SOUND_ENTRIES.items()}
    for _ in range(dice.choice((1, 1, 2, 3))):
        place, key = entries[dice.choice(CHANGED)], dice.choice(KEYS)
        if dice.random() < 0.15:
            place.pop(key, None)
        else:
            place[key] = dice.choice(VALUES)
    gap = dice.choice((b" ", b"\n", b"  "))
    written = {}
    for name, each in entries.items():
        items = [b"%b %b" % entry for entry in each.items()]
        if items and dice.random() < 0.05:
            items.append(dice.choice(items))  # a key that appears twice
        dice.shuffle(items)
        written[name] = gap.join(items)
    form = b"<< " + written["form"] + b" >>"
    apart = dice.random() < 0.5
    return with_field(
        written["field"],
        form=b"/AcroForm 8 0 R" if apart else b"/AcroForm " + form,
        page=written["page"],
        pages=written["pages"],
        others=(*OTHERS, form) if apart else OTHERS,
        streams=dice.random() < 0.3,
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_altered_fields_get_the_engines_bytes_or_none(
    credentials: list[Credential], seed: int
) -> None:
    dice = random.Random(seed)
    outcomes = Counter(
        taken_rightly(mutant(dice), dice.choice(credentials), IN_F) for _ in range(600)
    )
    assert outcomes[True] > 100
    assert outcomes[False] > 100


@settings(max_examples=60, deadline=None)
@given(
    rect=st.lists(
        st.decimals(-2000, 2000, allow_nan=False, places=6) | st.integers(-(10**9), 10**9),
        min_size=4,
        max_size=4,
    ),
    turned=st.sampled_from([0, 90, 180, 270, -90, 360]),
)
def test_rectangles_of_any_numbers_get_the_engines_bytes(
    rect: list[Decimal | int], turned: int, rsa: Credential
) -> None:
    written = " ".join(str(each) if isinstance(each, int) else f"{each:f}" for each in rect)
    field = FIELD.replace(b"100 100 300 160", written.encode()) + b" /P 3 0 R"
    taken = taken_rightly(with_field(field, page=b"/Rotate %d" % turned), rsa, IN_F)
    assert taken or abs(Decimal(rect[1]) - Decimal(rect[3])) < 1
