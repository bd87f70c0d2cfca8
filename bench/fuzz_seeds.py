"""The signed documents that fuzzing starts from: our own, other makers', B-LTA, the office's."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, append_signature_field
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner

from bench.agreement import accepted
from bench.material import PASSPHRASE, with_table
from bench.plainly import metadata
from certs.fetching.fetcher import EvidenceFetcher, FetchPolicy
from certs.keys.file import FileKey, load_pkcs12
from certs.paths.checking import PathChecker
from certs.practice.authority import Issued, PracticeAuthority
from certs.revocation.evidence import RevocationEvidence
from certs.timestamp_tokens import StampRequest
from certs.timestamping import HttpTimestamper
from certs.trust.anchors import TrustStore
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign
from signer.office.field_places import FieldPlaces, SignaturePlace, TextPlace
from signer.office.filling import fill_fields
from signer.office.number_and_date import (
    DATE_FIELD,
    LEADER_FIELD,
    NUMBER_FIELD,
    SEAL_FIELD,
    FieldValues,
)
from signer.office.preparing import prepare
from signer.pages.appearance import Appearance, Box
from signer.source import Source
from signer.validation.assessing import assess

MAX_STRANGER_BYTES: Final = 120_000
MAX_STRANGERS: Final = 12
_REVISION_END = re.compile(rb"startxref[\r\n ]+\d+[\r\n ]+%%EOF[\r\n ]{0,2}")
_UNIT_MM: Final = 25.4 / 72


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """A genuine signed document. ends: the offsets after its revisions, the last is its length."""

    name: str
    content: bytes
    ends: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """Whom the judge trusts, and what is known of revocation."""

    store: TrustStore
    evidence: RevocationEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signer:
    issued: Issued
    key: FileKey
    plain: SimpleSigner


class _Timestamper(HttpTimestamper):
    """Our client, with the authority in place of the connection to it."""

    def __init__(self, authority: PracticeAuthority, *, checker: PathChecker) -> None:
        super().__init__(
            "http://127.0.0.1:9/tsa",
            fetcher=EvidenceFetcher(FetchPolicy()),
            store=checker.store,
            checker=checker,
        )
        self._authority = authority

    async def _answer(self, request: StampRequest) -> bytes:
        return self._authority.answer_timestamp(request.to_der())


def seeds(folder: Path, strangers: Path | None = None) -> tuple[tuple[Seed, ...], Trusted]:
    """Make a practice authority in `folder` and the documents that its people sign.

    strangers: a folder of PDFs of other makers; small ones that we accept are seeds too.
    """
    authority = PracticeAuthority.create(folder, base_url="http://127.0.0.1:9", clock=_now)
    leader = _signer(
        authority.issue_person("Nguyễn Văn An", organisation="Practice", position="Chủ tịch"),
        folder / "leader.p12",
    )
    seal = _signer(
        authority.issue_seal("Practice", identifier="GOVVN-000.00.00.H56"), folder / "seal.p12"
    )
    trusted = Trusted(store=authority.trust, evidence=_evidence(authority, leader, seal))
    made = [*_ours(authority, leader, seal=seal, known=trusted.evidence), *_plain(leader, seal)]
    others = _strangers(strangers) if strangers is not None and strangers.is_dir() else ()
    return (
        tuple(_seed(name, content) for name, content in (*made, *others)),
        trusted,
    )


def _seed(name: str, content: bytes) -> Seed:
    ends = [match.end() for match in _REVISION_END.finditer(content)]
    return Seed(name=name, content=content, ends=(*tuple(ends[:-1]), len(content)))


def _now() -> datetime:
    return datetime.now(UTC)


def _signer(issued: Issued, file: Path) -> _Signer:
    file.write_bytes(issued.pkcs12(PASSPHRASE))
    plain = SimpleSigner.load_pkcs12(str(file), passphrase=PASSPHRASE)  # type: ignore[no-untyped-call]
    assert isinstance(plain, SimpleSigner)
    return _Signer(
        issued=issued, key=load_pkcs12(issued.pkcs12(PASSPHRASE), PASSPHRASE), plain=plain
    )


def _evidence(authority: PracticeAuthority, *signers: _Signer) -> RevocationEvidence:
    answers = []
    for each in signers:
        asked = ocsp.OCSPRequestBuilder().add_certificate(
            each.issued.certificate, authority.issuer, hashes.SHA256()
        )
        answers.append(authority.answer_ocsp(asked.build().public_bytes(Encoding.DER)))
    return RevocationEvidence(
        ocsp_responses=tuple(answers), crls=(authority.root_crl(), authority.crl())
    )


def plain_document(*, form: bool = False) -> bytes:
    """Make two pages with some words and lines, and a text field where a form is asked for."""
    first = b"BT /F1 14 Tf 72 770 Td (So: 09/QD-UBND) Tj 0 -30 Td (1.000.000 dong) Tj ET 72 600 m "
    contents = (first + b"300 600 l S", b"BT /F1 12 Tf 72 700 Td (Noi nhan: van thu) Tj ET")
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
    resources = b"/Resources << /Font << /F1 7 0 R >> >> %b>>"
    field = b"/Annots [8 0 R] " if form else b""
    catalog = b"/AcroForm << /Fields [8 0 R] /DA (/F1 10 Tf 0 g) >> " if form else b""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R %b>>" % catalog,
        b"<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>",
        page % 5 + resources % field,
        page % 6 + resources % b"",
        *(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(each), each) for each in contents),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>",
    ]
    if form:
        objects.append(
            b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (Amount) /V (1) /F 4 /P 3 0 R "
            b"/Rect [72 500 300 520] /DA (/F1 10 Tf 0 g) >>"
        )
    return with_table(objects)


def _ours(
    authority: PracticeAuthority, leader: _Signer, *, seal: _Signer, known: RevocationEvidence
) -> Iterator[tuple[str, bytes]]:
    checker = PathChecker(store=authority.trust, evidence=known)
    put = partial(_put, authority=authority, checker=checker)
    seen = Appearance(
        box=Box(page=1, left_mm=120, bottom_mm=60, width_mm=50, height_mm=20),
        lines=("Nguyễn Văn An",),
    )
    request = SigningRequest(level=Level.B_B, signed_at=_now(), appearance=seen)
    yield "own B-B", put(plain_document(), leader, request=request)
    long_lived = replace(request, level=Level.B_LTA)
    yield "own B-LTA", put(plain_document(), leader, request=long_lived)
    act = SigningRequest(level=Level.B_T, signed_at=_now(), field_name=LEADER_FIELD)
    base = plain_document()
    base += prepare(Source.of_bytes(base), places=_PLACES)
    look = Appearance(lines=("Nguyễn Văn An",))
    base = put(base, leader, request=replace(act, appearance=look))
    values = FieldValues.read(number="09/QĐ-UBND", date="Thanh Hóa, ngày 05 tháng 02 năm 2026")
    base += fill_fields(Source.of_bytes(base), values=values)
    sealing = replace(act, field_name=SEAL_FIELD, appearance=Appearance(lines=("Practice",)))
    yield "office", put(base, seal, request=sealing)


_PLACES: Final = FieldPlaces(
    texts=(
        TextPlace(
            name=NUMBER_FIELD,
            box=Box(page=1, left_mm=35, bottom_mm=240, width_mm=60, height_mm=6),
        ),
        TextPlace(
            name=DATE_FIELD,
            box=Box(page=1, left_mm=105, bottom_mm=240, width_mm=85, height_mm=6),
        ),
    ),
    leaders=(
        SignaturePlace(
            name=LEADER_FIELD,
            box=Box(page=-1, left_mm=125, bottom_mm=40, width_mm=40, height_mm=18),
        ),
    ),
    seal=SignaturePlace(
        name=SEAL_FIELD, box=Box(page=-1, left_mm=100, bottom_mm=32, width_mm=36, height_mm=36)
    ),
)


def _put(
    document: bytes,
    signer: _Signer,
    *,
    request: SigningRequest,
    authority: PracticeAuthority,
    checker: PathChecker,
) -> bytes:
    async def make() -> bytes:
        stamper = _Timestamper(authority, checker=checker)
        return await sign(
            document, key=signer.key, request=request, timestamper=stamper, checker=checker
        )

    return asyncio.run(make())


def _plain(leader: _Signer, seal: _Signer) -> Iterator[tuple[str, bytes]]:
    """Documents as pyHanko signs them: another maker's, of several shapes."""
    box = SigFieldSpec("One", box=(340, 100, 540, 160))
    one = _plainly(plain_document(), leader, field=box)
    yield "plain B-B", one
    other = SigFieldSpec("Two", box=(60, 100, 260, 160), on_page=1)
    yield "plain, two signatures", _plainly(one, seal, field=other)
    yield "with a form", _plainly(plain_document(form=True), leader, field=box)
    certified = _plainly(
        plain_document(form=True), leader, field=box, certify=True, docmdp=MDPPerm.FILL_FORMS
    )
    yield "certified", certified
    prepared = BytesIO()
    writer = IncrementalPdfFileWriter(BytesIO(plain_document()))
    for each in (box, other):
        append_signature_field(writer, each)
    writer.write(prepared)  # type: ignore[no-untyped-call]
    first = _plainly(prepared.getvalue(), leader, field=SigFieldSpec("One"))
    yield "prepared fields", _plainly(first, seal, field=SigFieldSpec("Two"))
    yield "streams", _plainly(_with_streams(plain_document()), leader, field=box)


def _plainly(
    document: bytes,
    signer: _Signer,
    *,
    field: SigFieldSpec,
    certify: bool = False,
    docmdp: MDPPerm | None = None,
) -> bytes:
    told: PdfSignatureMetadata = metadata(field.sig_field_name)
    if certify and docmdp is not None:
        told = replace(told, certify=True, docmdp_permissions=docmdp)
    new = field if field.box is not None else None
    output = PdfSigner(told, signer.plain, new_field_spec=new).sign_pdf(
        IncrementalPdfFileWriter(BytesIO(document))
    )
    return bytes(output.getvalue())


def _with_streams(document: bytes) -> bytes:
    """Write the document anew, with its objects and references in streams (PDF 1.5)."""
    writer = copy_into_new_writer(
        PdfFileReader(BytesIO(document)), writer_kwargs={"stream_xrefs": True}
    )
    packed = writer.prepare_object_stream()  # type: ignore[no-untyped-call]
    for key in ("/PageLayout", "/PageMode"):
        name = generic.NameObject("/SinglePage" if key == "/PageLayout" else "/UseNone")
        writer.root[generic.NameObject(key)] = writer.add_object(name, obj_stream=packed)
    out = BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def _strangers(folder: Path) -> Iterator[tuple[str, bytes]]:
    found = 0
    for path in sorted(folder.glob("*.pdf")):
        if found == MAX_STRANGERS:
            return
        if path.stat().st_size > MAX_STRANGER_BYTES:
            continue
        content = path.read_bytes()
        if accepted(assess(content, store=TrustStore(), at=_now())):
            found += 1
            yield path.name, content
