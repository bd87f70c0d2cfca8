"""What is not signed, and what is said about it: each refusal is one of our errors."""

from __future__ import annotations

import contextlib
import random
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, SimpleSigner, async_sign_pdf
from pyhanko.sign.fields import (
    FieldMDPAction,
    FieldMDPSpec,
    MDPPerm,
    SigFieldSpec,
    SigSeedSubFilter,
    SigSeedValFlags,
    SigSeedValueSpec,
)

from certs.errors import CertificateExpired, CertificateNotYetValid, TsaUnavailable
from certs.fetching.fetcher import EvidenceFetcher, FetchLimits, FetchPolicy
from certs.keys.file import FileKey
from certs.practice.authority import Issued
from certs.timestamping import HttpTimestamper
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign
from signer.errors import (
    ChangesForbidden,
    DocumentEncrypted,
    DocumentMalformed,
    DocumentRefused,
    DocumentTooLarge,
    DocumentTruncated,
    FieldExists,
    FieldUnusable,
    NotAPdf,
    SignerError,
    TextUnprintable,
    TimestamperMissing,
)
from signer.limits import DocumentLimits
from signer.pages.appearance import Appearance, Box
from tests.support import pdfs
from tests.support.judges import engine_verdicts
from tests.support.practice import PASSPHRASE, Practice

VISIBLE = Appearance(
    lines=("Số: 09",), box=Box(page=1, left_mm=20, bottom_mm=20, width_mm=40, height_mm=10)
)


def request_for(level: Level = Level.B_B, **fields: object) -> SigningRequest:
    return SigningRequest(level=level, signed_at=datetime.now(UTC), **fields)  # type: ignore[arg-type]


async def certified(
    document: bytes,
    issued: Issued,
    permission: MDPPerm = MDPPerm.FILL_FORMS,
    *,
    certify: bool = True,
    lock: FieldMDPSpec | None = None,
) -> bytes:
    """The document signed by plain pyHanko with restrictions on what may follow."""
    signer = SimpleSigner.load_pkcs12_data(issued.pkcs12(PASSPHRASE), (), PASSPHRASE)
    assert signer is not None
    spec = SigFieldSpec(
        sig_field_name="First",
        field_mdp_spec=lock,
        doc_mdp_update_value=None if certify else permission,
    )
    meta = PdfSignatureMetadata(
        field_name="First",
        subfilter=SigSeedSubFilter.PADES,
        certify=certify,
        docmdp_permissions=permission,
    )
    writer = IncrementalPdfFileWriter(BytesIO(document))
    signed = await async_sign_pdf(writer, meta, signer, new_field_spec=spec)
    return bytes(signed.getvalue())


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (b"", NotAPdf),
        (b"PK\x03\x04 not a PDF", NotAPdf),
        (pdfs.one_page()[:400], DocumentTruncated),
        (pdfs.encrypted(pdfs.one_page()), DocumentEncrypted),
        (pdfs.encrypted(pdfs.with_stream_xrefs(pdfs.one_page())), DocumentEncrypted),
        (pdfs.one_page().replace(b"trailer", b"tailers"), DocumentMalformed),
        (pdfs.one_page().replace(b"/Type /Pages", b"/Type /Pagan"), None),
        (pdfs.one_page().replace(b"/Kids [3 0 R]", b"/Kids [2 0 R]"), DocumentMalformed),
        (pdfs.one_page().replace(b"/Count 1", b"/Count(x"), DocumentMalformed),
    ],
    ids=[
        "nothing",
        "a zip",
        "cut short",
        "encrypted",
        "encrypted, streams",
        "no trailer",
        "odd page tree",
        "circular page tree",
        "open string",
    ],
)
async def test_documents_that_cannot_be_signed_are_refused_by_name(
    document: bytes, error: type[DocumentRefused] | None, leader_key: FileKey
) -> None:
    if error is None:
        assert await sign(document, key=leader_key, request=request_for())
        return
    with pytest.raises(error):
        await sign(document, key=leader_key, request=request_for())


async def test_a_document_over_the_limit_is_refused(leader_key: FileKey) -> None:
    limits = DocumentLimits(max_bytes=500)
    with pytest.raises(DocumentTooLarge):
        await sign(pdfs.one_page(), key=leader_key, request=request_for(), limits=limits)


async def test_a_document_of_too_many_pages_is_refused_with_their_number(
    leader_key: FileKey,
) -> None:
    document = pdfs.pages(DocumentLimits().max_pages + 1)
    with pytest.raises(DocumentTooLarge, match="10001 pages"):
        await sign(document, key=leader_key, request=request_for())


async def test_whatever_is_wrong_with_a_document_the_error_is_ours(leader_key: FileKey) -> None:
    dice = random.Random(20201)
    original = pdfs.with_empty_field(pdfs.with_stream_xrefs(pdfs.one_page()), "A")
    classic = pdfs.with_empty_field(pdfs.one_page(), "A")
    for turn in range(300):
        document = bytearray(classic if turn % 2 else original)
        for _ in range(dice.randint(1, 6)):
            at = dice.randrange(len(document))
            document[at : at + dice.randint(0, 3)] = dice.randbytes(dice.randint(0, 3))
        # Any error but ours fails the test; some mutants are signed, for they hurt nothing.
        with contextlib.suppress(SignerError):
            await sign(bytes(document), key=leader_key, request=request_for(appearance=VISIBLE))


async def test_a_signed_field_is_not_signed_again(leader_key: FileKey) -> None:
    signed = await sign(pdfs.one_page(), key=leader_key, request=request_for(field_name="A"))
    with pytest.raises(FieldExists):
        await sign(signed, key=leader_key, request=request_for(field_name="A"))


async def test_a_field_of_another_kind_is_not_signed(leader_key: FileKey) -> None:
    document = pdfs.with_text_field(pdfs.one_page(), "DocNumber")
    with pytest.raises(FieldExists):
        await sign(document, key=leader_key, request=request_for(field_name="DocNumber"))


async def test_a_new_field_can_not_have_a_dotted_name(leader_key: FileKey) -> None:
    with pytest.raises(FieldUnusable):
        await sign(pdfs.one_page(), key=leader_key, request=request_for(field_name="a.b"))


def test_a_blank_field_name_is_refused_at_once() -> None:
    with pytest.raises(FieldUnusable):
        request_for(field_name="  ")


def test_a_time_without_zone_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="aware"):
        SigningRequest(level=Level.B_B, signed_at=datetime(2026, 1, 1))  # noqa: DTZ001


async def test_a_field_that_demands_what_is_not_offered_is_refused(leader_key: FileKey) -> None:
    demand = SigSeedValueSpec(reasons=["Approved"], flags=SigSeedValFlags.REASONS)
    spec = SigFieldSpec(sig_field_name="A", seed_value_dict=demand)
    document = pdfs.with_empty_field(pdfs.one_page(), "A", spec=spec)
    with pytest.raises(FieldUnusable):
        await sign(document, key=leader_key, request=request_for(field_name="A"))


async def test_a_service_named_by_the_document_is_never_asked_for_a_time_stamp(
    leader_key: FileKey,
) -> None:
    demand = SigSeedValueSpec(
        timestamp_server_url="http://127.0.0.1:9/tsa", timestamp_required=True
    )
    spec = SigFieldSpec(sig_field_name="A", seed_value_dict=demand)
    document = pdfs.with_empty_field(pdfs.one_page(), "A", spec=spec)
    with pytest.raises(FieldUnusable, match="time-stamp"):
        await sign(document, key=leader_key, request=request_for(field_name="A"))


@pytest.mark.parametrize("certify", [True, False], ids=["certification", "approval with lock"])
async def test_a_document_closed_to_changes_is_refused(
    certify: bool, leader: Issued, seal_key: FileKey
) -> None:
    lock = FieldMDPSpec(FieldMDPAction.INCLUDE, fields=["Other"])
    document = await certified(
        pdfs.one_page(), leader, MDPPerm.NO_CHANGES, certify=certify, lock=lock
    )
    with pytest.raises(ChangesForbidden):
        await sign(document, key=seal_key, request=request_for())


async def test_a_locked_field_is_refused_and_another_is_signed(
    leader: Issued, seal_key: FileKey, practice: Practice
) -> None:
    lock = FieldMDPSpec(FieldMDPAction.INCLUDE, fields=["Seal"])
    prepared = pdfs.with_empty_field(pdfs.with_empty_field(pdfs.one_page(), "Seal"), "Other")
    document = await certified(prepared, leader, certify=False, lock=lock)
    with pytest.raises(ChangesForbidden):
        await sign(document, key=seal_key, request=request_for(field_name="Seal"))
    signed = await sign(document, key=seal_key, request=request_for(field_name="Other"))
    assert await engine_verdicts(signed, practice.authority.root) == [True, True]


@pytest.mark.parametrize("permission", [MDPPerm.FILL_FORMS, MDPPerm.ANNOTATE])
async def test_after_a_certification_only_prepared_or_invisible_fields_are_signed(
    permission: MDPPerm, leader: Issued, seal_key: FileKey, practice: Practice
) -> None:
    prepared = pdfs.with_empty_field(pdfs.one_page(), "Seal", box=(100, 100, 200, 150))
    document = await certified(prepared, leader, permission)
    with pytest.raises(ChangesForbidden):
        await sign(document, key=seal_key, request=request_for(appearance=VISIBLE))
    shown = Appearance(lines=("Con dấu",))
    for request in (request_for(), request_for(field_name="Seal", appearance=shown)):
        signed = await sign(document, key=seal_key, request=request)
        assert await engine_verdicts(signed, practice.authority.root) == [True, True]


async def test_b_t_without_a_time_stamper_is_never_a_silent_b_b(leader_key: FileKey) -> None:
    with pytest.raises(TimestamperMissing):
        await sign(pdfs.one_page(), key=leader_key, request=request_for(Level.B_T))


async def test_b_t_with_the_authority_down_is_never_a_silent_b_b(
    leader_key: FileKey, practice: Practice
) -> None:
    policy = FetchPolicy(allowed=frozenset({("127.0.0.1", 9)}), limits=FetchLimits())
    async with EvidenceFetcher(policy) as fetcher:
        timestamper = HttpTimestamper(
            "http://127.0.0.1:9/tsa", fetcher=fetcher, store=practice.trust
        )
        with pytest.raises(TsaUnavailable):
            await sign(
                pdfs.one_page(),
                key=leader_key,
                request=request_for(Level.B_T),
                timestamper=timestamper,
            )


async def test_a_certificate_is_used_only_while_it_is_valid(leader_key: FileKey) -> None:
    certificate = leader_key.certificate
    early = certificate.not_valid_before_utc - timedelta(seconds=1)
    late = certificate.not_valid_after_utc + timedelta(seconds=1)
    for moment, error in ((early, CertificateNotYetValid), (late, CertificateExpired)):
        with pytest.raises(error):
            await sign(
                pdfs.one_page(),
                key=leader_key,
                request=SigningRequest(level=Level.B_B, signed_at=moment),
            )


async def test_texts_beyond_the_limit_are_refused(leader_key: FileKey) -> None:
    with pytest.raises(TextUnprintable):
        await sign(pdfs.one_page(), key=leader_key, request=request_for(reason="x" * 201))
