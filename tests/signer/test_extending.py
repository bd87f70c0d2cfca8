"""Extending signatures and renewing archive time-stamps, while years go by."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certs.errors import (
    CertificateExpired,
    CertificateRefused,
    CertificateRevoked,
    NoTrustedPath,
    RevocationUnknown,
    TsaUnavailable,
)
from certs.paths.checking import PathChecker
from certs.practice.authority import Issued
from certs.trust.anchors import TrustStore
from signer.augmentation.extending import extend
from signer.creation.requests import FieldLock, Level, LockAction, Permission, SigningRequest
from signer.creation.signing import sign
from signer.errors import (
    DocumentEncrypted,
    LevelUnavailable,
    NotAPdf,
    SignatureInvalid,
    SignatureMissing,
    SignerError,
)
from signer.source import Source
from signer.validation.cms_signatures import read_cms
from signer.verdicts import Changes, SignatureKind, SignatureLevel, Verdict
from tests.support import pdfs, producers
from tests.support.ages import LIFE, Ages
from tests.support.java_judges import JavaJudges
from tests.support.judges import openssl_timestamp, pdfsig, qpdf_complaints, signed_parts
from tests.support.office import OfficeTimestamper
from tests.support.practice import file_key

ORDER = (Level.B_B, Level.B_T, Level.B_LT, Level.B_LTA)


@pytest.fixture(scope="module")
def ages_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ages")


@pytest.fixture
def ages(ages_directory: Path, request: pytest.FixtureRequest) -> Ages:
    """A time of its own for each test."""
    return Ages(ages_directory / hashlib.sha256(request.node.name.encode()).hexdigest()[:12])


def levels(ages: Ages, document: bytes, *, informed: bool = False) -> list[SignatureLevel]:
    """The levels of the signatures, all of which must be valid."""
    report = ages.judge(document, informed=informed)
    assert report.verdict is Verdict.VALID, (report.reason, report.detail)
    return [
        each.level for each in report.signatures if each.kind is not SignatureKind.DOC_TIMESTAMP
    ]


def stamp_digests(document: bytes) -> list[str]:
    """The digests of the document time-stamps' imprints."""
    found = []
    for container, _ in signed_parts(document):
        content = read_cms(container).signed_data["encap_content_info"]
        if content["content_type"].native == "tst_info":
            imprint = content["content"].parsed["message_imprint"]
            found.append(str(imprint["hash_algorithm"]["algorithm"].native))
    return found


@pytest.mark.parametrize("start", ORDER, ids=str)
@pytest.mark.parametrize("goal", ORDER[1:], ids=str)
async def test_every_level_leads_to_every_higher_one(ages: Ages, start: Level, goal: Level) -> None:
    person = ages.present.person()
    signed = await ages.sign(pdfs.one_page(), person, start)
    ages.pass_time(timedelta(minutes=5))
    extended = await ages.extend(signed, goal)
    assert extended.startswith(signed)
    reached = max(start, goal, key=ORDER.index)
    offline = reached in (Level.B_LT, Level.B_LTA)
    assert levels(ages, extended, informed=not offline) == [SignatureLevel(reached.value)]
    report = ages.judge(extended)
    assert report.signatures[0].changes in (Changes.NONE, Changes.ARCHIVAL)


async def test_what_is_there_already_is_not_written_again(ages: Ages) -> None:
    signed = await ages.sign(pdfs.one_page(), ages.present.person(), Level.B_LT)
    assert await ages.extend(signed, Level.B_LT) == signed
    assert await ages.extend(signed, Level.B_T) == signed


async def test_evidence_gathered_months_later_proves_the_signature(ages: Ages) -> None:
    person = ages.present.person(days=200)
    signed = await ages.sign(pdfs.one_page(), person, Level.B_T)
    ages.pass_time(timedelta(days=150))
    archived = await ages.extend(signed, Level.B_LTA)
    ages.pass_time(timedelta(days=100))
    assert ages.now > person.certificate.not_valid_after_utc
    assert levels(ages, archived, informed=True) == [SignatureLevel.B_LTA]


async def test_b_lt_stays_good_after_the_signers_certificate_expired(ages: Ages) -> None:
    person = ages.present.person(days=10)
    signed = await ages.sign(pdfs.one_page(), person, Level.B_LT)
    plain = await ages.sign(pdfs.one_page(), person, Level.B_T)
    ages.pass_time(timedelta(days=100))
    assert levels(ages, signed, informed=True) == [SignatureLevel.B_LT]
    assert ages.judge(plain).verdict is Verdict.INDETERMINATE


async def test_a_store_that_another_program_made_is_added_to(ages: Ages) -> None:
    person = ages.present.person()
    stamped = await ages.sign(pdfs.one_page(), person, Level.B_T)
    theirs = ages.present.with_store(stamped, person.certificate)
    ages.pass_time(timedelta(days=3))
    extended = await ages.extend(theirs, Level.B_LTA)
    assert extended.startswith(theirs)
    assert levels(ages, extended) == [SignatureLevel.B_LTA]


async def test_a_chain_of_three_renewals_outlives_all_authorities_but_the_last(ages: Ages) -> None:
    person = ages.present.person(days=100)
    document = await ages.sign(pdfs.one_page(), person, Level.B_LTA)
    for _ in range(3):
        ages.pass_time(timedelta(days=300))
        ages.found()
        renewed = await ages.extend(document, Level.B_LTA)
        assert renewed.startswith(document)
        document = renewed
    ages.pass_time(timedelta(days=200))
    gone = [office.authority.root.not_valid_after_utc < ages.now for office in ages.offices]
    assert gone == [True, True, True, False]
    assert levels(ages, document, informed=True) == [SignatureLevel.B_LTA]
    report = ages.judge(document)
    assert report.signatures[0].timestamp_at is not None
    assert report.signatures[0].timestamp_at < ages.now - timedelta(days=1000)
    # The last link is as mortal as the others were.
    ages.pass_time(LIFE)
    assert ages.judge(document).verdict is Verdict.INDETERMINATE


async def test_a_renewal_that_comes_too_late_is_refused(ages: Ages) -> None:
    document = await ages.sign(pdfs.one_page(), ages.present.person(days=100), Level.B_LTA)
    ages.pass_time(LIFE + timedelta(days=1))
    ages.found()
    with pytest.raises(CertificateRefused):
        await ages.extend(document, Level.B_LTA)


async def test_a_renewal_takes_a_stronger_digest_and_never_a_weaker_one(ages: Ages) -> None:
    document = await ages.sign(pdfs.one_page(), ages.present.person(), Level.B_LTA)
    document = await ages.extend(document, Level.B_LTA, "sha512")
    document = await ages.extend(document, Level.B_LTA)
    assert stamp_digests(document) == ["sha256", "sha512", "sha512"]
    assert levels(ages, document) == [SignatureLevel.B_LTA]


async def test_all_signatures_of_a_document_are_extended(ages: Ages) -> None:
    leader, other = ages.present.person(), ages.present.person("Lê Văn Cường")
    document = await ages.sign(pdfs.one_page(), leader, Level.B_B)
    document = await ages.sign(document, other, Level.B_T)
    document = await ages.extend(document, Level.B_LTA)
    assert levels(ages, document) == [SignatureLevel.B_LTA, SignatureLevel.B_LTA]


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    start=st.sampled_from(ORDER),
    steps=st.lists(
        st.tuples(st.sampled_from(ORDER[1:]), st.integers(0, 40)), min_size=1, max_size=4
    ),
    stream_xrefs=st.booleans(),
)
def test_in_whatever_order_a_document_is_extended_it_stays_valid_and_never_sinks(
    ages_directory: Path, start: Level, steps: list[tuple[Level, int]], stream_xrefs: bool
) -> None:
    # The same example may be tried again.
    ages = Ages(Path(tempfile.mkdtemp(dir=ages_directory)))
    page = pdfs.with_stream_xrefs(pdfs.one_page()) if stream_xrefs else pdfs.one_page()

    async def live() -> None:
        document = await ages.sign(page, ages.present.person(), start)
        reached = start
        for goal, days in steps:
            ages.pass_time(timedelta(days=days))
            extended = await ages.extend(document, goal)
            assert extended.startswith(document)
            document = extended
            reached = max(reached, goal, key=ORDER.index)
            assert levels(ages, document, informed=True) == [SignatureLevel(reached.value)]

    asyncio.run(live())


@pytest.mark.judge("qpdf")
async def test_a_document_that_its_owner_locked_is_extended(ages: Ages, tmp_path: Path) -> None:
    locked = producers.by_qpdf(
        pdfs.one_page(), "--encrypt", "", "owner", "256", "--", directory=tmp_path
    )
    signed = await ages.sign(locked, ages.present.person(), Level.B_B)
    document = await ages.extend(signed, Level.B_LTA)
    document = await ages.extend(document, Level.B_LTA)
    assert levels(ages, document) == [SignatureLevel.B_LTA]
    assert qpdf_complaints(document, tmp_path) == ""


# What is refused: nothing is produced then.


async def test_a_broken_signature_is_not_extended(ages: Ages) -> None:
    signed = await ages.sign(pdfs.one_page(), ages.present.person(), Level.B_T)
    at = signed.index(b"09/QD-UBND")
    with pytest.raises(SignatureInvalid):
        await ages.extend(signed[:at] + b"10" + signed[at + 2 :], Level.B_LTA)


@pytest.mark.parametrize("start", [Level.B_B, Level.B_T], ids=str)
@pytest.mark.parametrize("goal", ORDER[1:], ids=str)
async def test_a_revoked_signers_signature_is_not_extended(
    ages: Ages, start: Level, goal: Level
) -> None:
    person = ages.present.person()
    signed = await ages.sign(pdfs.one_page(), person, start)
    ages.pass_time(timedelta(days=1))
    ages.present.authority.revoke(person.certificate)
    ages.pass_time(timedelta(days=1))
    with pytest.raises(CertificateRevoked):
        await ages.extend(signed, goal)


async def test_a_revocation_after_the_evidence_was_kept_changes_nothing(ages: Ages) -> None:
    person = ages.present.person()
    archived = await ages.sign(pdfs.one_page(), person, Level.B_LTA)
    ages.pass_time(timedelta(days=10))
    ages.present.authority.revoke(person.certificate)
    ages.pass_time(timedelta(days=10))
    renewed = await ages.extend(archived, Level.B_LTA)
    assert levels(ages, renewed) == [SignatureLevel.B_LTA]


async def test_without_evidence_nothing_is_extended(ages: Ages) -> None:
    signed = await ages.sign(pdfs.one_page(), ages.present.person(), Level.B_T)
    for goal in (Level.B_LT, Level.B_LTA):
        with pytest.raises(RevocationUnknown):
            await extend_with(ages, signed, goal, PathChecker(store=ages.trust))
    with pytest.raises(NoTrustedPath):
        await extend_with(ages, signed, Level.B_LT, PathChecker(store=TrustStore()))


async def extend_with(ages: Ages, document: bytes, level: Level, checker: PathChecker) -> bytes:
    return await extend(
        Source.of_bytes(document),
        level=level,
        timestamper=OfficeTimestamper(ages.present),
        checker=checker,
        at=ages.now,
    )


async def test_an_expired_signature_that_nothing_proved_in_time_is_not_extended(
    ages: Ages,
) -> None:
    signed = await ages.sign(pdfs.one_page(), ages.present.person(days=10), Level.B_T)
    ages.pass_time(timedelta(days=20))
    with pytest.raises(CertificateExpired):
        await ages.extend(signed, Level.B_LT)


async def test_a_time_stamp_that_can_not_be_had_gives_nothing(ages: Ages) -> None:
    class Silent:
        async def stamp(self, imprint: bytes, digest_algorithm: str) -> bytes:
            raise TsaUnavailable("nobody answers")

    signed = await ages.sign(pdfs.one_page(), ages.present.person(), Level.B_B)
    for goal in ORDER[1:]:
        with pytest.raises(TsaUnavailable):
            await extend(
                Source.of_bytes(signed),
                level=goal,
                timestamper=Silent(),
                checker=ages.checker(),
                at=ages.now,
            )


async def test_what_has_no_signature_is_not_extended(ages: Ages) -> None:
    stamped = await asyncio.to_thread(ages.present.with_document_timestamp, pdfs.one_page())
    with pytest.raises(SignatureMissing):
        await ages.extend(pdfs.one_page(), Level.B_LTA)
    with pytest.raises(SignatureMissing):
        await ages.extend(stamped, Level.B_LTA)


@pytest.mark.parametrize(
    ("document", "error"),
    [(b"PK\x03\x04", NotAPdf), (pdfs.encrypted(pdfs.one_page()), DocumentEncrypted)],
    ids=["a zip", "encrypted"],
)
async def test_what_is_no_readable_pdf_is_refused(
    ages: Ages, document: bytes, error: type[SignerError]
) -> None:
    with pytest.raises(error):
        await ages.extend(document, Level.B_LT)


async def test_b_b_is_nothing_to_extend_to(ages: Ages) -> None:
    signed = await ages.sign(pdfs.one_page(), ages.present.person(), Level.B_T)
    with pytest.raises(LevelUnavailable):
        await ages.extend(signed, Level.B_B)


# Documents whose signers restricted what may follow.


async def restricted(ages: Ages, person: Issued, **restriction: object) -> bytes:
    request = SigningRequest(level=Level.B_B, signed_at=ages.now, **restriction)  # type: ignore[arg-type]
    return await sign(pdfs.one_page(), key=file_key(person), request=request)


@pytest.mark.parametrize("permission", list(Permission), ids=lambda each: each.name)
async def test_a_certified_document_is_extended_whatever_it_permits(
    ages: Ages, permission: Permission
) -> None:
    """ISO 32000-2 Table 257: security stores and document time-stamps are always allowed."""
    certified = await restricted(ages, ages.present.person(), certification=permission)
    extended = await ages.extend(certified, Level.B_LTA)
    assert levels(ages, extended) == [SignatureLevel.B_LTA]


async def test_a_signature_that_locks_all_fields_is_extended(ages: Ages) -> None:
    lock = FieldLock(action=LockAction.ALL)
    locked = await restricted(ages, ages.present.person(), lock=lock)
    extended = await ages.extend(locked, Level.B_LTA)
    assert levels(ages, extended) == [SignatureLevel.B_LTA]


# Other people's programs.


async def long_chain(ages: Ages) -> bytes:
    document = await ages.sign(pdfs.one_page(), ages.present.person(), Level.B_B)
    document = await ages.extend(document, Level.B_LTA)
    return await ages.extend(document, Level.B_LTA, "sha512")


@pytest.mark.judge("qpdf", "pdfsig", "certutil", "openssl")
async def test_qpdf_poppler_and_openssl_find_nothing_wrong(ages: Ages, tmp_path: Path) -> None:
    document = await long_chain(ages)
    assert qpdf_complaints(document, tmp_path) == ""
    root = ages.present.authority.root
    assert pdfsig(document, root, tmp_path)[0].signature == "Signature is Valid."
    stamps = signed_parts(document)[1:]
    assert len(stamps) == 3
    for token, covered in stamps:
        told = openssl_timestamp(token, covered, root, tmp_path)
        assert "Verification: OK" in told or "expired" in told or "not yet valid" in told


@pytest.mark.judge("dss")
@pytest.mark.parametrize("goal", ORDER[1:], ids=str)
async def test_eu_dss_says_the_level_that_was_asked_for(
    ages: Ages, goal: Level, java_judges: JavaJudges
) -> None:
    signed = await ages.sign(pdfs.one_page(), ages.present.person(), Level.B_B)
    extended = await ages.extend(signed, goal)
    answer = java_judges.dss(
        extended, ages.present.authority.root, evidence=ages.evidence(), at=ages.now
    )
    [signature] = answer.signatures
    assert signature.level == f"PAdES-BASELINE-{goal[2:]}"
    assert signature.indication == "TOTAL_PASSED", signature


@pytest.mark.judge("dss")
async def test_eu_dss_follows_a_chain_of_renewals(ages: Ages, java_judges: JavaJudges) -> None:
    answer = java_judges.dss(
        await long_chain(ages),
        ages.present.authority.root,
        evidence=ages.evidence(),
        at=ages.now,
    )
    [signature] = answer.signatures
    assert (signature.level, signature.indication) == ("PAdES-BASELINE-LTA", "TOTAL_PASSED")
    assert [each.indication for each in answer.timestamps] == ["PASSED"] * 3
