"""Signing at B-LT and B-LTA: what the document then carries, who says so, and what is refused."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from certs.errors import (
    CertificateRevoked,
    RevocationUnknown,
    TsaAnswerInvalid,
    TsaUnavailable,
)
from certs.keys import SigningKey
from certs.keys.file import FileKey
from certs.practice.authority import Issued
from certs.schemes import SchemeFamily, SignatureScheme
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign, sign_tail
from signer.report import Report
from signer.source import Source
from signer.validation.assessing import assess
from signer.validation.cms_signatures import certificate_of, read_cms
from signer.verdicts import Changes, SignatureKind, SignatureLevel, Verdict
from tests.support import pdfs
from tests.support.fronts import FrontedAuthority, Services, about_something_else
from tests.support.java_judges import JavaJudges
from tests.support.judges import (
    mutool,
    openssl_timestamp,
    pdfsig,
    qpdf_complaints,
    signed_parts,
)
from tests.support.practice import file_key

MUTOOL_LATER_REVISIONS = "The signature is valid but there have been edits since signing."
LONG_TERM = [Level.B_LT, Level.B_LTA]
DOCUMENTS = {
    "classic xref": pdfs.one_page(),
    "stream xref": pdfs.with_stream_xrefs(pdfs.one_page()),
    "with a form": pdfs.with_text_field(pdfs.one_page(), "DocNumber"),
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontedAuthority]:
    with (server := FrontedAuthority(tmp_path_factory.mktemp("levels") / "authority")):
        yield server


@pytest.fixture(autouse=True)
def honest(served: FrontedAuthority) -> None:
    """Each test begins with an authority that answers at once and rightly."""
    served.front.asked.clear()
    served.front.delay_seconds.clear()
    served.front.spoil_timestamp = None
    served.front.timestamp_clock = None


@pytest.fixture(scope="module")
def people(served: FrontedAuthority) -> dict[str, Issued]:
    return {
        kind: served.authority.issue_person("Lê Thị Bình", organisation="UBND", key=kind)
        for kind in ("rsa2048", "p256", "p384", "ed25519")
    }


class Watched:
    """A key that counts how often it is asked, in front of a real one."""

    def __init__(self, key: FileKey) -> None:
        self._key = key
        self.certificate = key.certificate
        self.chain = key.chain
        self.families = key.families
        self.asked = 0

    async def sign_raw(self, data: bytes, scheme: SignatureScheme) -> bytes:
        self.asked += 1
        return await self._key.sign_raw(data, scheme)


async def signed_at(
    level: Level,
    key: SigningKey,
    services: Services,
    *,
    document: bytes = DOCUMENTS["classic xref"],
    scheme: SignatureScheme | None = None,
) -> bytes:
    return await sign(
        document,
        key=key,
        request=SigningRequest(level=level, signed_at=datetime.now(UTC), scheme=scheme),
        timestamper=services.timestamper,
        checker=services.checker,
    )


def judged(document: bytes, served: FrontedAuthority) -> Report:
    """What our verifier says with nothing at hand but the document and the trust store."""
    return assess(document, store=served.authority.trust, at=datetime.now(UTC))


def store_of(document: bytes) -> generic.DictionaryObject:
    store = PdfFileReader(BytesIO(document)).root["/DSS"]
    assert isinstance(store, generic.DictionaryObject)
    return store


def streams(store: generic.DictionaryObject, key: str) -> list[bytes]:
    return [bytes(store[key][index].data) for index in range(len(store[key]))]


@pytest.mark.parametrize("kind", ["rsa2048", "p256", "p384", "ed25519"])
@pytest.mark.parametrize("level", LONG_TERM, ids=str)
async def test_a_long_term_signature_needs_nothing_but_the_document_to_be_valid(
    served: FrontedAuthority, people: dict[str, Issued], kind: str, level: Level
) -> None:
    document = DOCUMENTS["stream xref" if kind == "p256" else "classic xref"]
    async with Services(served) as services:
        signed = await signed_at(level, file_key(people[kind]), services, document=document)
    assert signed.startswith(document)
    report = judged(signed, served)
    assert report.verdict is Verdict.VALID, report
    assert report.signatures[0].level is SignatureLevel(level.value)
    assert report.signatures[0].changes is Changes.ARCHIVAL
    stamps = [each for each in report.signatures if each.kind is SignatureKind.DOC_TIMESTAMP]
    assert len(stamps) == (level is Level.B_LTA)


async def test_the_store_holds_the_whole_path_and_nothing_twice(
    served: FrontedAuthority, people: dict[str, Issued]
) -> None:
    async with Services(served) as services:
        signed = await signed_at(Level.B_LTA, file_key(people["rsa2048"]), services)
    store = store_of(signed)
    assert "/VRI" not in store
    certificates = streams(store, "/Certs")
    assert served.authority.root.public_bytes(Encoding.DER) in certificates
    responses = [ocsp.load_der_ocsp_response(each) for each in streams(store, "/OCSPs")]
    about = {single.serial_number for each in responses for single in each.responses}
    containers = [read_cms(container) for container, _ in signed_parts(signed)]
    [signature, stamp] = containers
    [token] = signature.timestamp_tokens()
    assert people["rsa2048"].certificate.serial_number in about
    assert stamp.certificate.serial_number in about
    responders = [each.public_bytes(Encoding.DER) for one in responses for each in one.certificates]
    assert set(responders) <= set(certificates)
    [crl] = [x509.load_der_x509_crl(each) for each in streams(store, "/CRLs")]
    assert crl.issuer == served.authority.root.subject
    enclosed = {
        certificate.public_bytes(Encoding.DER)
        for each in (signature.certificate, *signature.others, *token["certificates"])
        if (certificate := certificate_of(getattr(each, "chosen", each))) is not None
    }
    assert not enclosed & set(certificates)
    assert len(set(certificates)) == len(certificates)


async def test_once_warm_a_b_lta_costs_two_time_stamps_and_no_other_call(
    served: FrontedAuthority, people: dict[str, Issued]
) -> None:
    async with Services(served) as services:
        await signed_at(Level.B_LTA, file_key(people["rsa2048"]), services)
        assert served.front.asked["ocsp"] > 0
        served.front.asked.clear()
        for _ in range(3):
            await signed_at(Level.B_LTA, file_key(people["rsa2048"]), services)
    assert served.front.asked == {"tsa": 6}


async def test_a_large_document_in_a_file_costs_no_memory(
    served: FrontedAuthority, people: dict[str, Issued], tmp_path: Path
) -> None:
    file = tmp_path / "large.pdf"
    file.write_bytes(pdfs.one_page_of_size(20_000_000))
    request = SigningRequest(level=Level.B_LTA, signed_at=datetime.now(UTC))
    async with Services(served) as services:
        with Source.of_file(file) as source:
            tracemalloc.start()
            try:
                tail = await sign_tail(
                    source,
                    key=file_key(people["p256"]),
                    request=request,
                    timestamper=services.timestamper,
                    checker=services.checker,
                )
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
    assert peak < 5_000_000
    assert judged(file.read_bytes() + tail, served).verdict is Verdict.VALID


async def test_a_seal_is_proved_in_its_own_role_beside_the_leaders_signature(
    served: FrontedAuthority, people: dict[str, Issued]
) -> None:
    seal = served.authority.issue_seal("UBND tỉnh", identifier="GOVVN-000.00.00.H56", key="p256")
    async with Services(served) as services:
        first = await signed_at(Level.B_LT, file_key(people["p256"]), services)
        both = await signed_at(Level.B_LTA, file_key(seal), services, document=first)
    report = judged(both, served)
    assert report.verdict is Verdict.VALID, report
    assert [each.kind for each in report.signatures] == [
        SignatureKind.SIGNATURE,
        SignatureKind.SEAL,
        SignatureKind.DOC_TIMESTAMP,
    ]
    assert report.signatures[0].level is report.signatures[1].level is SignatureLevel.B_LTA
    # What the first signature's store had is not written again.
    assert len(streams(store_of(both), "/CRLs")) == 1


# What can't be proved is refused before the key is asked, and nothing is ever given at less.


async def test_without_anybody_to_ask_no_long_term_signature_is_made(
    served: FrontedAuthority, people: dict[str, Issued]
) -> None:
    key = Watched(file_key(people["p256"]))
    async with Services(served) as services:
        with pytest.raises(RevocationUnknown):
            await sign(
                DOCUMENTS["classic xref"],
                key=key,
                request=SigningRequest(level=Level.B_LT, signed_at=datetime.now(UTC)),
                timestamper=services.timestamper,
            )
    assert key.asked == 0


@pytest.mark.parametrize("level", LONG_TERM, ids=str)
async def test_a_revoked_signer_is_refused_before_the_key_is_asked(
    served: FrontedAuthority, level: Level
) -> None:
    issued = served.authority.issue_person("Phạm Văn Cũ", organisation="UBND", key="p256")
    served.authority.revoke(issued.certificate)
    key = Watched(file_key(issued))
    async with Services(served) as services:
        with pytest.raises(CertificateRevoked):
            await signed_at(level, key, services)
    assert key.asked == 0
    assert served.front.asked["tsa"] == 0


async def test_a_hung_revocation_service_ends_within_the_deadline_and_gives_nothing(
    served: FrontedAuthority, people: dict[str, Issued]
) -> None:
    key = Watched(file_key(people["p256"]))
    served.front.delay_seconds = {"ocsp": 0.6, "crl": 0.6}
    async with Services(served, seconds=0.2) as services:
        with pytest.raises(RevocationUnknown):
            await signed_at(Level.B_LT, key, services)
    assert key.asked == 0


async def test_a_slow_time_stamping_authority_is_waited_for(
    served: FrontedAuthority, people: dict[str, Issued]
) -> None:
    served.front.delay_seconds = {"tsa": 0.4}
    async with Services(served) as services:
        signed = await signed_at(Level.B_LTA, file_key(people["p256"]), services)
    assert judged(signed, served).verdict is Verdict.VALID


async def test_no_archive_time_stamp_gives_nothing_rather_than_b_lt(
    served: FrontedAuthority, people: dict[str, Issued]
) -> None:
    def fall_over_the_second(request: bytes) -> bytes:
        if served.front.asked["tsa"] == 2:
            raise OSError("the authority fell over")
        return request

    served.front.spoil_timestamp = fall_over_the_second
    async with Services(served) as services:
        with pytest.raises(TsaUnavailable):
            await signed_at(Level.B_LTA, file_key(people["p256"]), services)


async def test_an_authority_that_takes_too_long_gives_nothing(
    served: FrontedAuthority, people: dict[str, Issued]
) -> None:
    served.front.delay_seconds = {"tsa": 0.6}
    async with Services(served, timeout_seconds=0.2) as services:
        with pytest.raises(TsaUnavailable):
            await signed_at(Level.B_LT, file_key(people["p256"]), services)


async def test_a_time_stamp_over_something_else_gives_nothing(
    served: FrontedAuthority, people: dict[str, Issued]
) -> None:
    served.front.spoil_timestamp = about_something_else
    async with Services(served) as services:
        for level in (Level.B_T, *LONG_TERM):
            with pytest.raises(TsaAnswerInvalid):
                await signed_at(level, file_key(people["p256"]), services)


async def test_a_time_stamp_by_a_clock_that_is_wrong_gives_nothing(
    served: FrontedAuthority, people: dict[str, Issued]
) -> None:
    served.front.timestamp_clock = lambda: datetime.now(UTC) + timedelta(minutes=20)
    async with Services(served) as services:
        with pytest.raises(TsaAnswerInvalid, match="present"):
            await signed_at(Level.B_LTA, file_key(people["p256"]), services)


# Other people's programs.


@pytest.mark.judge("pdfsig", "mutool", "certutil", "openssl", "qpdf")
@pytest.mark.parametrize("level", LONG_TERM, ids=str)
@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=list(DOCUMENTS))
async def test_poppler_mupdf_openssl_and_qpdf_find_nothing_wrong(
    served: FrontedAuthority,
    people: dict[str, Issued],
    level: Level,
    document: bytes,
    tmp_path: Path,
) -> None:
    async with Services(served) as services:
        signed = await signed_at(
            level,
            file_key(people["rsa2048"]),
            services,
            document=document,
            scheme=SignatureScheme(SchemeFamily.RSA_PKCS1, "sha256"),  # mutool 1.21 reads no PSS
        )
    assert qpdf_complaints(signed, tmp_path) == ""
    answers = pdfsig(signed, served.authority.root, tmp_path)
    assert answers[0].good
    assert mutool(signed, tmp_path)[0] == MUTOOL_LATER_REVISIONS
    if level is Level.B_LTA:
        token, covered = signed_parts(signed)[-1]
        told = openssl_timestamp(token, covered, served.authority.root, tmp_path)
        assert "Verification: OK" in told


@pytest.mark.judge("dss")
@pytest.mark.parametrize("kind", ["rsa2048", "p256"])
@pytest.mark.parametrize("level", LONG_TERM, ids=str)
async def test_eu_dss_says_the_level_and_total_passed(
    served: FrontedAuthority,
    people: dict[str, Issued],
    kind: str,
    level: Level,
    java_judges: JavaJudges,
) -> None:
    async with Services(served) as services:
        signed = await signed_at(level, file_key(people[kind]), services)
    answer = java_judges.dss(signed, served.authority.root)
    [signature] = answer.signatures
    assert (signature.level, signature.indication) == (
        f"PAdES-BASELINE-{level[2:]}",
        "TOTAL_PASSED",
    )
    assert (signature.errors, signature.warnings) == ((), ())
    assert all(each.indication == "PASSED" for each in answer.timestamps)
    assert len(answer.timestamps) == 1 + (level is Level.B_LTA)
