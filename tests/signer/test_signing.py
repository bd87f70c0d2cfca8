"""Signing: what the signature dictionary and the CMS hold, and what stays as it was."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from asn1crypto import cms, core, tsp
from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from certs.fetching.fetcher import EvidenceFetcher
from certs.keys.file import FileKey
from certs.schemes import SignatureScheme
from certs.timestamping import HttpTimestamper
from signer.creation.credential import credential_of, scheme_for
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import INLINE_BYTES, sign
from tests.support import pdfs
from tests.support.judges import engine_verdicts, signed_parts
from tests.support.practice import Practice, file_key


def request_for(level: Level = Level.B_B, **fields: object) -> SigningRequest:
    return SigningRequest(level=level, signed_at=datetime.now(UTC), **fields)  # type: ignore[arg-type]


def signatures(document: bytes) -> list[EmbeddedPdfSignature]:
    return list(PdfFileReader(BytesIO(document)).embedded_regular_signatures)


@pytest.fixture(scope="session")
def p256_key(practice: Practice) -> FileKey:
    return file_key(practice.authority.issue_person("Lê Thị Bình", organisation="UBND", key="p256"))


class CountingKey:
    """A key that counts what it is asked for, in front of a real one."""

    def __init__(self, key: FileKey) -> None:
        self._key = key
        self.certificate: x509.Certificate = key.certificate
        self.chain = key.chain
        self.families = key.families
        self.signed: list[bytes] = []

    async def sign_raw(self, data: bytes, scheme: SignatureScheme) -> bytes:
        self.signed.append(data)
        return await self._key.sign_raw(data, scheme)


class TokenOf:
    """A time-stamper that gives a token of the practice TSA, padded to any size."""

    def __init__(self, practice: Practice, *, extra_bytes: int) -> None:
        self._practice = practice
        self._extra_bytes = extra_bytes
        self.asked = 0

    async def stamp(self, imprint: bytes, digest_algorithm: str) -> bytes:
        self.asked += 1
        message = tsp.MessageImprint(
            {"hash_algorithm": {"algorithm": digest_algorithm}, "hashed_message": imprint}
        )
        asked = tsp.TimeStampReq(
            {"version": "v1", "message_imprint": message, "nonce": 1, "cert_req": True}
        )
        answer = self._practice.authority.answer_timestamp(asked.dump())
        token = tsp.TimeStampResp.load(answer)["time_stamp_token"]
        if not self._extra_bytes:
            return bytes(token.dump())
        filler = cms.CMSAttribute(
            {"type": "1.3.6.1.4.1.99999.1", "values": [core.OctetString(bytes(self._extra_bytes))]}
        )
        copied = cms.ContentInfo.load(token.dump())
        copied["content"]["signer_infos"][0]["unsigned_attrs"] = [filler]
        return bytes(copied.dump(force=True))


async def test_a_signature_is_a_pades_baseline_signature(leader_key: FileKey) -> None:
    signed_at = datetime.now(UTC)
    request = SigningRequest(
        level=Level.B_B, signed_at=signed_at, reason="Phê duyệt", location="Thanh Hóa"
    )
    signed = await sign(pdfs.one_page(), key=leader_key, request=request)
    [signature] = signatures(signed)
    dictionary = signature.sig_object
    assert dictionary["/SubFilter"] == "/ETSI.CAdES.detached"
    assert dictionary["/Filter"] == "/Adobe.PPKLite"
    assert dictionary["/Reason"] == "Phê duyệt"
    assert dictionary["/Location"] == "Thanh Hóa"
    assert signature.self_reported_timestamp == signed_at.replace(microsecond=0)
    assert str(dictionary["/M"]).endswith("+07'00'")
    attributes = {entry["type"].native for entry in signature.signer_info["signed_attrs"]}
    assert attributes == {"content_type", "message_digest", "signing_certificate_v2"}
    assert not signature.signer_info["unsigned_attrs"].native


@pytest.mark.parametrize("size", [50_000, INLINE_BYTES + 100_000], ids=["small", "in a thread"])
async def test_all_bytes_of_the_document_stay_and_are_signed(
    leader_key: FileKey, practice: Practice, size: int
) -> None:
    document = pdfs.one_page_of_size(size)
    signed = await sign(document, key=leader_key, request=request_for())
    assert signed.startswith(document)
    [(_, covered)] = signed_parts(signed)
    gap = signatures(signed)[0].byte_range
    assert len(covered) + (gap[2] - gap[1]) == len(signed)
    assert await engine_verdicts(signed, practice.authority.root) == [True]


@pytest.mark.parametrize("stream_xrefs", [False, True], ids=["classic xref", "stream xref"])
async def test_a_second_signature_leaves_the_first_valid(
    leader_key: FileKey, p256_key: FileKey, practice: Practice, stream_xrefs: bool
) -> None:
    document = pdfs.with_stream_xrefs(pdfs.one_page()) if stream_xrefs else pdfs.one_page()
    first = await sign(document, key=leader_key, request=request_for())
    second = await sign(first, key=p256_key, request=request_for())
    assert second.startswith(first)
    assert [each.field_name for each in signatures(second)] == ["Signature1", "Signature2"]
    assert await engine_verdicts(second, practice.authority.root) == [True, True]


async def test_an_empty_field_is_signed_by_its_name(
    leader_key: FileKey, practice: Practice
) -> None:
    document = pdfs.with_empty_field(pdfs.one_page(), "LanhDao")
    signed = await sign(document, key=leader_key, request=request_for(field_name="LanhDao"))
    assert [each.field_name for each in signatures(signed)] == ["LanhDao"]
    assert await engine_verdicts(signed, practice.authority.root) == [True]


async def test_an_empty_visible_field_signed_without_appearance_stays_blank(
    leader_key: FileKey, practice: Practice
) -> None:
    document = pdfs.with_empty_field(pdfs.one_page(), "LanhDao", box=(100, 100, 200, 150))
    signed = await sign(document, key=leader_key, request=request_for(field_name="LanhDao"))
    [signature] = signatures(signed)
    assert signature.sig_field["/AP"]["/N"].data == b""
    assert await engine_verdicts(signed, practice.authority.root) == [True]


async def test_a_new_field_gets_the_name_asked_for(leader_key: FileKey) -> None:
    signed = await sign(pdfs.one_page(), key=leader_key, request=request_for(field_name="CoQuan"))
    assert [each.field_name for each in signatures(signed)] == ["CoQuan"]


async def test_a_new_field_avoids_names_that_are_taken(leader_key: FileKey) -> None:
    document = pdfs.with_text_field(pdfs.one_page(), "Signature1")
    signed = await sign(document, key=leader_key, request=request_for())
    assert [each.field_name for each in signatures(signed)] == ["Signature2"]


async def test_form_fields_of_a_document_are_kept(leader_key: FileKey) -> None:
    document = pdfs.with_text_field(pdfs.one_page(), "DocNumber", "09")
    signed = await sign(document, key=leader_key, request=request_for())
    fields = PdfFileReader(BytesIO(signed)).root["/AcroForm"]["/Fields"]
    assert [fields[index]["/T"] for index in range(len(fields))] == ["DocNumber", "Signature1"]
    assert fields[0]["/V"] == "09"


async def test_the_key_is_asked_exactly_once_per_signature(leader_key: FileKey) -> None:
    key = CountingKey(leader_key)
    await sign(pdfs.one_page(), key=key, request=request_for())
    assert len(key.signed) == 1


async def test_signatures_made_at_the_same_time_do_not_mix(
    leader_key: FileKey, p256_key: FileKey, practice: Practice
) -> None:
    keys = [leader_key, p256_key] * 5
    documents = [pdfs.one_page(f"No {number}") for number in range(len(keys))]
    signed = await asyncio.gather(
        *(
            sign(document, key=key, request=request_for())
            for document, key in zip(documents, keys, strict=True)
        )
    )
    for document, made in zip(documents, signed, strict=True):
        assert made.startswith(document)
        assert await engine_verdicts(made, practice.authority.root) == [True]


async def test_a_time_stamp_of_the_authority_covers_the_raw_signature(
    leader_key: FileKey, practice: Practice
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    async with EvidenceFetcher(practice.fetch_policy) as fetcher:
        timestamper = HttpTimestamper(practice.tsa_url, fetcher=fetcher, store=practice.trust)
        signed = await sign(
            pdfs.one_page(),
            key=leader_key,
            request=request_for(Level.B_T),
            timestamper=timestamper,
        )
    [signature] = signatures(signed)
    [attribute] = signature.signer_info["unsigned_attrs"]
    assert attribute["type"].native == "signature_time_stamp_token"
    info = attribute["values"][0]["content"]["encap_content_info"]["content"].parsed
    raw = signature.signer_info["signature"].native
    assert info["message_imprint"]["hashed_message"].native == hashlib.sha256(raw).digest()
    assert before <= info["gen_time"].native <= datetime.now(UTC) + timedelta(seconds=2)
    assert await engine_verdicts(signed, practice.authority.root) == [True]


async def test_level_b_b_never_asks_for_a_time_stamp(
    leader_key: FileKey, practice: Practice
) -> None:
    timestamper = TokenOf(practice, extra_bytes=0)
    await sign(pdfs.one_page(), key=leader_key, request=request_for(), timestamper=timestamper)
    assert timestamper.asked == 0


async def test_a_time_stamp_larger_than_reserved_costs_a_second_attempt(
    leader_key: FileKey, practice: Practice
) -> None:
    timestamper = TokenOf(practice, extra_bytes=20_000)
    signed = await sign(
        pdfs.one_page(),
        key=leader_key,
        request=request_for(Level.B_T),
        timestamper=timestamper,
    )
    assert timestamper.asked == 2
    assert await engine_verdicts(signed, practice.authority.root) == [True]


async def test_no_more_space_is_reserved_than_the_signature_may_take(
    leader_key: FileKey, p256_key: FileKey
) -> None:
    for key in (leader_key, p256_key):
        scheme = scheme_for(key.certificate, key.families)
        reserved = credential_of(key.certificate, key.chain, scheme=scheme).max_container_bytes
        signed = await sign(pdfs.one_page(), key=key, request=request_for())
        [(container, _)] = signed_parts(signed)
        assert len(container) <= reserved <= len(container) + 512
