"""Good files of PDFBox, DSS, iText and others, each oddity by its name, and nobody's way in."""

# mypy: allow-untyped-calls
from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from certs.practice.authority import Issued
from signer.leniencies import Leniency
from signer.reasons import Reason
from signer.report import Report
from signer.verdicts import Changes, Integrity, Verdict
from tests.support.hand_signing import assembled, cms_over
from tests.support.hand_updates import Table, appended, by, signed_update
from tests.support.office import Office, OfficeTimestamper
from tests.support.verification import Judge

FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
CONTENT = b"<< /Length 45 >>\nstream\nBT /F1 14 Tf 72 770 Td (So: 09/QD-UBND) Tj ET\nendstream"
FIRST, SECOND = 20, 30
"""The numbers of the first and the second signature's fields; their values have the next ones."""


OWN = 22
"""The number of a cross-reference stream, the next one after the first signature."""


def catalog(*fields: int, more: bytes = b"") -> bytes:
    listed = b" ".join(b"%d 0 R" % each for each in fields)
    form = b"/AcroForm << /Fields [%b] /SigFlags 3 >>" % listed if fields else b""
    return b"<< /Type /Catalog /Pages 2 0 R %b %b >>" % (form, more)


def page(*fields: int, resources: bytes = b"5 0 R", more: bytes = b"") -> bytes:
    listed = b" ".join(b"%d 0 R" % each for each in fields)
    return (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources %b "
        b"/Annots [%b] %b >>" % (resources, listed, more)
    )


def field(number: int, more: bytes = b"") -> bytes:
    return (
        b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (S%d) /V %d 0 R /F 132 /Rect [0 0 0 0] "
        b"/P 3 0 R %b >>" % (number, number + 1, more)
    )


def base(*further: bytes, catalog_entries: bytes = b"", page_entries: bytes = b"") -> bytes:
    pages = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    resources = b"<< /Font << /F1 6 0 R >> /ProcSet [/PDF /Text] >>"
    return assembled(
        [
            catalog(more=catalog_entries),
            pages,
            page(more=page_entries),
            CONTENT,
            resources,
            FONT,
            *further,
        ]
    )


def first(document: bytes, issued: Issued, **options: object) -> bytes:
    """Sign the document by hand for the first time, in an update."""
    more = options.pop("catalog_entries", b"")
    page_entries = options.pop("page_entries", b"")
    objects = {
        1: catalog(FIRST, more=more),  # type: ignore[arg-type]
        3: page(FIRST, more=page_entries),  # type: ignore[arg-type]
        FIRST: field(FIRST),
    }
    return signed_update(document, objects, value=FIRST + 1, sealer=by(issued), **options)  # type: ignore[arg-type]


def second(
    document: bytes, issued: Issued, changed: dict[int, bytes] | None = None, **options: object
) -> bytes:
    """Sign it once more; `changed` are objects besides the form's."""
    objects = {
        1: catalog(FIRST, SECOND),
        3: page(FIRST, SECOND),
        SECOND: field(SECOND),
        **(changed or {}),
    }
    return signed_update(document, objects, value=SECOND + 1, sealer=by(issued), **options)  # type: ignore[arg-type]


def passes(report: Report, leniency: Leniency) -> bool:
    return report.verdict is Verdict.VALID and leniency in report.signatures[0].leniencies


def test_without_any_oddity_nothing_is_named(judge: Judge, leader: Issued, seal: Issued) -> None:
    report = judge(second(first(base(), leader), seal))
    assert report.verdict is Verdict.VALID, report
    assert [each.leniencies for each in report.signatures] == [(), ()]


# White space behind the end.


def test_white_space_behind_the_end_counts_where_its_maker_always_writes_it(
    judge: Judge, leader: Issued, seal: Issued
) -> None:
    once = first(base(), leader)
    twice = second(once + b"\r\n", seal)
    report = judge(twice + b"\r\n")
    assert report.verdict is Verdict.VALID, report
    assert report.signatures[1].leniencies == (Leniency.WHITE_SPACE_AFTER_END,)
    for document in (once + b"\r\n", twice + b"\n", twice + b"\r\n\r\n", twice + b"\r\n%"):
        assert judge(document).verdict is Verdict.INVALID


# Cross-reference streams without a number.


def test_the_number_of_an_unlisted_stream_may_be_taken(
    judge: Judge, leader: Issued, seal: Issued
) -> None:
    """As DSS writes updates: the stream's number becomes the next object's."""
    once = first(base(), leader, table=Table(stream=OWN))
    for table in (Table(), Table(stream=41)):
        taken = {SECOND: field(SECOND, b"/AP %d 0 R" % OWN), OWN: b"<< >>"}
        report = judge(second(once, seal, taken, table=table))
        assert passes(report, Leniency.STREAM_NUMBER_REUSED), report
    # What nobody refers to is refused: by the tables it might have been waited for.
    unused = second(once, seal, {OWN: b"<< /Unused true >>"})
    assert judge(unused).verdict is Verdict.INVALID


def test_the_number_of_a_stream_that_lists_itself_stays_its_own(
    judge: Judge, leader: Issued, seal: Issued
) -> None:
    once = first(base(), leader, table=Table(stream=OWN, lists_itself=True))
    report = judge(second(once, seal, {SECOND: field(SECOND, b"/AP %d 0 R" % OWN), OWN: b"<< >>"}))
    assert report.verdict is Verdict.UNREADABLE


@pytest.mark.parametrize("entry", [b"/PieceInfo 22 0 R", b"/Metadata 22 0 R", b"/B [22 0 R]"])
def test_a_page_that_waits_for_the_number_gets_nothing(
    judge: Judge, leader: Issued, seal: Issued, entry: bytes
) -> None:
    once = first(base(), leader, page_entries=entry, table=Table(stream=OWN))
    own = {3: page(FIRST, SECOND, more=entry), SECOND: field(SECOND, b"/AP %d 0 R" % OWN)}
    report = judge(second(once, seal, {**own, OWN: b"<< >>"}))
    assert report.verdict is not Verdict.VALID
    assert report.signatures[0].changes not in (Changes.NONE, Changes.SIGNATURES, Changes.ARCHIVAL)


# Resources under another number.

COPY = b"<< /ProcSet [/PDF /Text] /Font << /F1 6 0 R >> >>"


def with_copy(
    document: bytes, issued: Issued, copy: bytes, more: dict[int, bytes] | None = None
) -> bytes:
    moved = {3: page(FIRST, SECOND, resources=b"40 0 R"), 40: copy}
    return second(document, issued, {**moved, **(more or {})})


def test_resources_may_be_written_again_under_another_number(
    judge: Judge, leader: Issued, seal: Issued
) -> None:
    once = first(base(), leader)
    assert passes(judge(with_copy(once, seal, COPY)), Leniency.RESOURCES_COPIED)
    inside = b"<< /ProcSet [/PDF /Text] /Font 41 0 R >>"
    nested = with_copy(once, seal, inside, {41: b"<< /F1 6 0 R >>"})
    assert passes(judge(nested), Leniency.RESOURCES_COPIED)


@pytest.mark.parametrize(
    ("copy", "more"),
    [
        (COPY.replace(b"6 0 R", b"41 0 R"), {41: FONT.replace(b"Helvetica", b"Courier")}),
        (COPY.replace(b"6 0 R", FONT.replace(b"Helvetica", b"Symbol")), {}),
        (COPY.replace(b" >> >>", b" /F2 6 0 R >> >>"), {}),
        (COPY.replace(b"/PDF /Text", b"/Text /PDF"), {}),
        (COPY.replace(b"/ProcSet", b"/XObject << /X 4 0 R >> /ProcSet"), {}),
        (b"<< /ProcSet [/PDF /Text] >>", {}),
        (b"[]", {}),
        (b"<< /Length 0 /ProcSet [/PDF /Text] /Font << /F1 6 0 R >> >>\nstream\n\nendstream", {}),
    ],
    ids=["font", "direct font", "entry", "order", "object", "nothing", "array", "stream"],
)
def test_resources_that_are_not_equal_are_refused(
    judge: Judge, leader: Issued, seal: Issued, copy: bytes, more: dict[int, bytes]
) -> None:
    report = judge(with_copy(first(base(), leader), seal, copy, more))
    assert (report.verdict, report.signatures[0].changes) == (Verdict.INVALID, Changes.FORBIDDEN)


def test_a_copy_that_changes_later_is_refused(judge: Judge, leader: Issued, seal: Issued) -> None:
    """Also where a third signature's appearance explains the object."""
    twice = with_copy(first(base(), leader), seal, COPY)
    evil = COPY.replace(b"6 0 R", FONT.replace(b"Helvetica", b"Symbol"))
    for entries in (b"", b"/AP << /N 40 0 R >>"):
        objects = {
            1: catalog(FIRST, SECOND, 50),
            3: page(FIRST, SECOND, 50, resources=b"40 0 R"),
            40: evil,
            50: field(50, entries),
        }
        report = judge(signed_update(twice, objects, value=51, sealer=by(leader)))
        assert report.verdict is Verdict.INVALID
        assert report.signatures[0].changes is Changes.FORBIDDEN


# Elements of the structure tree.

TREE = b"/MarkInfo << /Marked true >> /StructTreeRoot 7 0 R"
ROOT = b"<< /Type /StructTreeRoot /K [8 0 R] /ParentTree 9 0 R /ParentTreeNextKey %d >>"
DOCUMENT = b"<< /Type /StructElem /S /Document /P 7 0 R /K [10 0 R%b] >>"
PARAGRAPH = b"<< /Type /StructElem /S /P /P 8 0 R /Pg 3 0 R /K 0 >>"
INDEX = b"<< /Nums [0 [10 0 R]%b] >>"
ELEMENT = b"<< /Type /StructElem /S /Form /P 8 0 R /Pg 3 0 R /K << /Type /OBJR /Obj 30 0 R >> >>"
GROWN = {
    7: ROOT % 2,
    8: DOCUMENT % b" 40 0 R",
    9: INDEX % b" 1 40 0 R",
    40: ELEMENT,
    1: catalog(FIRST, SECOND, more=TREE),
    SECOND: field(SECOND, b"/StructParent 1"),
}


@pytest.fixture(scope="module")
def tagged(leader: Issued) -> bytes:
    """A tagged document with one signature that its tree does not name."""
    parts = (ROOT % 1, DOCUMENT % b"", INDEX % b"", PARAGRAPH)
    document = base(*parts, catalog_entries=TREE)
    return first(document, leader, catalog_entries=TREE)


def test_the_structure_tree_may_get_an_element_for_a_new_signature(
    judge: Judge, tagged: bytes, seal: Issued
) -> None:
    twice = second(tagged, seal, GROWN)
    report = judge(twice)
    assert passes(report, Leniency.STRUCTURE_GROWN), report
    # It stays so when somebody archives the document, and the element stays as it is.
    later = appended(twice, {40: ELEMENT.replace(b"/S /Form", b"/S /Form /ActualText (Khong)")})
    assert judge(later).verdict is Verdict.INVALID


@pytest.mark.parametrize(
    "changed",
    [
        {40: ELEMENT.replace(b"/Pg", b"/ActualText (Khong duoc) /Pg")},
        {40: ELEMENT.replace(b"/S /Form", b"/S /P")},
        {40: ELEMENT.replace(b"30 0 R", b"20 0 R")},
        {40: ELEMENT.replace(b"30 0 R", b"3 0 R")},
        {40: ELEMENT.replace(b"/P 8 0 R", b"/P 10 0 R")},
        {40: ELEMENT.replace(b"/K << /Type /OBJR /Obj 30 0 R >>", b"/K 0")},
        {8: DOCUMENT.replace(b"10 0 R%b", b"40 0 R 10 0 R")},
        {8: DOCUMENT.replace(b"10 0 R%b", b"40 0 R")},
        {8: (DOCUMENT % b" 40 0 R").replace(b"/K", b"/Lang (en) /K")},
        {8: DOCUMENT % b" 40 0 R 1"},
        {7: (ROOT % 2).replace(b"/K", b"/RoleMap << /P /Artifact >> /K")},
        {9: INDEX % b" 1 10 0 R"},
        {9: b"<< /Nums [0 [40 0 R] 1 40 0 R] >>"},
        {9: b"<< /Nums [1 40 0 R] >>"},
        {10: PARAGRAPH.replace(b"/K 0", b"/K 0 /Alt (Khong)")},
        {10: PARAGRAPH.replace(b"/K 0", b"/K [0 40 0 R]")},
    ],
)
def test_the_structure_tree_may_change_in_nothing_else(
    judge: Judge, tagged: bytes, seal: Issued, changed: dict[int, bytes]
) -> None:
    report = judge(second(tagged, seal, {**GROWN, **changed}))
    assert (report.verdict, report.signatures[0].changes) == (Verdict.INVALID, Changes.FORBIDDEN)


# Archives of certified documents.

CERTIFIED = (
    "/Type /Sig /SubFilter /ETSI.CAdES.detached /Reference [<< /Type /SigRef /TransformMethod "
    "/DocMDP /TransformParams << /Type /TransformParams /V /1.2 /P 1 >> >>]"
)
STAMP = "/Type /DocTimeStamp /SubFilter /ETSI.RFC3161"
EMPTY = b"<< /Type /XObject /Subtype /Form /BBox [0 0 0 0] /Length 0 >>\nstream\n\nendstream"
DRAWING = (
    b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 9 >>\nstream\n0 0 9 9 re\nendstream"
)


def archived(office: Office, person: Issued, appearance: bytes, *, stamp: bool = True) -> bytes:
    """A document that is certified against any change, and a field with an appearance after it."""
    once = first(base(), person, entries=CERTIFIED)
    stamper = OfficeTimestamper(office)

    def token(content: bytes) -> bytes:
        return asyncio.run(stamper.stamp(hashlib.sha256(content).digest(), "sha256"))

    objects = {
        1: catalog(FIRST, SECOND),
        3: page(FIRST, SECOND),
        SECOND: field(SECOND, b"/AP << /N 40 0 R >>"),
        40: appearance,
    }
    if not stamp:
        return signed_update(once, objects, value=SECOND + 1, sealer=by(person))
    return signed_update(once, objects, value=SECOND + 1, sealer=token, entries=STAMP)


def test_a_certified_document_may_be_archived_by_what_shows_nothing(tmp_path: Path) -> None:
    office = Office(tmp_path / "office")
    person = office.person()
    report = office.judge(archived(office, person, EMPTY), office.evidence(person.certificate))
    assert report.verdict is Verdict.VALID, report
    assert report.signatures[0].changes is Changes.ARCHIVAL
    for spoilt in (
        archived(office, person, DRAWING),
        archived(office, person, EMPTY, stamp=False),
    ):
        report = office.judge(spoilt, office.evidence(person.certificate))
        assert report.verdict is Verdict.INVALID
        assert report.signatures[0].changes is Changes.FORBIDDEN


# Algorithms.


def with_algorithms(
    content: bytes, issued: Issued, *, digest: hashes.HashAlgorithm, named: str, scheme: str
) -> bytes:
    """A CMS whose value is RSA with `digest`, whatever it calls digest and scheme."""
    message = cms.ContentInfo.load(cms_over(content, issued))
    info = message["content"]["signer_infos"][0]
    info["digest_algorithm"] = {"algorithm": named}
    info["signature_algorithm"] = {"algorithm": scheme}
    state = hashes.Hash(digest)
    state.update(content)
    for attribute in info["signed_attrs"]:
        if attribute["type"].native == "message_digest":
            attribute["values"] = [state.finalize()]
    kept = [each for each in info["signed_attrs"] if "protection" not in each["type"].native]
    info["signed_attrs"] = cms.CMSAttributes(kept)
    key = issued.private_key
    assert isinstance(key, rsa.RSAPrivateKey)
    signed = cms.CMSAttributes(kept).dump(force=True)
    info["signature"] = key.sign(signed, padding.PKCS1v15(), digest)
    return bytes(message.dump(force=True))


SHA3 = "2.16.840.1.101.3.4.3.14"


@pytest.mark.parametrize(
    ("digest", "named", "scheme", "integrity"),
    [
        (hashes.SHA3_256(), "sha3_256", SHA3, Integrity.INTACT),
        (hashes.SHA256(), "sha256", SHA3, Integrity.BROKEN),
        (hashes.SHA3_256(), "sha3_256", "2.16.840.1.101.3.4.3.15", Integrity.BROKEN),
        (hashes.SHA256(), "sha256", "1.2.3.4", Integrity.UNKNOWN),
        (hashes.SHA256(), "1.2.840.113549.1.1.11", "rsassa_pkcs1v15", Integrity.UNKNOWN),
    ],
)
def test_sha3_with_rsa_is_verified_and_what_is_unknown_is_named(
    judge: Judge,
    leader: Issued,
    digest: hashes.HashAlgorithm,
    named: str,
    scheme: str,
    integrity: Integrity,
) -> None:
    def seal_with(content: bytes) -> bytes:
        return with_algorithms(content, leader, digest=digest, named=named, scheme=scheme)

    objects = {1: catalog(FIRST), 3: page(FIRST), FIRST: field(FIRST)}
    report = judge(signed_update(base(), objects, value=FIRST + 1, sealer=seal_with))
    (entry,) = report.signatures
    assert entry.integrity is integrity, entry
    if integrity is Integrity.UNKNOWN:
        assert entry.reason == Reason.ALGORITHM_NOT_ACCEPTED
        assert "is not known" in entry.detail
