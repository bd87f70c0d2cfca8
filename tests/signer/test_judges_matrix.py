"""Independent judges on every algorithm, level and kind of document that we sign.

What a judge is known not to do stands in LIMITATIONS with the version it was seen in, and is
expected there word for word; a newer version may do better.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from certs.fetching.fetcher import EvidenceFetcher
from certs.keys.file import FileKey
from certs.paths.checking import PathChecker
from certs.revocation.evidence import RevocationEvidence
from certs.schemes import SchemeFamily, SignatureScheme, scheme_named
from certs.timestamping import HttpTimestamper
from signer.creation.requests import Level, SigningRequest
from signer.creation.signing import sign
from tests.support import pdfs, producers
from tests.support.java_judges import JavaJudges
from tests.support.judges import mutool, openssl_cades, pdfsig
from tests.support.practice import Practice, edwards_key, file_key

CADES_GOOD = "CAdES Verification successful"
MUTOOL_GOOD = "The document is unchanged since signing."
MUTOOL_EXTENDED = "The signature is valid but there have been edits since signing."
PDFSIG_GOOD = "Signature is Valid."

ALGORITHMS = {
    "rsa2048": (
        *("RSA-PKCS1/sha256", "RSA-PKCS1/sha384", "RSA-PKCS1/sha512", "RSA-PKCS1/sha3_256"),
        *("RSA-PSS/sha256", "RSA-PSS/sha384", "RSA-PSS/sha512", "RSA-PSS/sha3_512"),
    ),
    "p256": ("ECDSA/sha256", "ECDSA/sha3_256"),
    "p384": ("ECDSA/sha384", "ECDSA/sha3_384"),
    "ed25519": ("ED25519/sha512",),
}
CASES = [(kind, name) for kind, names in ALGORITHMS.items() for name in names]

PAGE = pdfs.one_page()
LEVEL_OF_DSS = {
    Level.B_B: "PAdES-BASELINE-B",
    Level.B_T: "PAdES-BASELINE-T",
    Level.B_LT: "PAdES-BASELINE-LT",
    Level.B_LTA: "PAdES-BASELINE-LTA",
}

TIMESTAMPS_OF_DSS = {
    Level.B_B: [],
    Level.B_T: ["SIGNATURE_TIMESTAMP"],
    Level.B_LT: ["SIGNATURE_TIMESTAMP"],
    Level.B_LTA: ["SIGNATURE_TIMESTAMP", "DOCUMENT_TIMESTAMP"],
}


@dataclass(frozen=True, kw_only=True)
class Limitation:
    """What a judge up to a version does not do, and what its answer then says.

    what: families of schemes and digests.
    """

    judge: str
    up_to: tuple[int, ...]
    what: frozenset[str]
    answer: str

    def concerns(self, judge: str, scheme: SignatureScheme) -> bool:
        asked = {scheme.family.value, scheme.digest_algorithm.partition("_")[0]}
        return judge == self.judge and not asked.isdisjoint(self.what)


LIMITATIONS = (
    Limitation(
        judge="mutool",
        up_to=(1, 21, 1),
        what=frozenset({"RSA-PSS", "ED25519"}),
        answer="Digest error: Unknown error.",
    ),
    Limitation(  # built with NSS 3.87
        judge="pdfsig",
        up_to=(22, 12, 0),
        what=frozenset({"sha3"}),
        answer="Unknown Validation Failure.",
    ),
    Limitation(
        judge="pdfsig",
        up_to=(22, 12, 0),
        what=frozenset({"ED25519"}),
        answer="Document isn't signed or corrupted data.",
    ),
    Limitation(
        judge="openssl",
        up_to=(3, 0),
        what=frozenset({"ED25519"}),
        answer="eddsa_digest_signverify_init:invalid digest",
    ),
)


@cache
def version(judge: str) -> tuple[int, ...]:
    option = "version" if judge == "openssl" else "-v"
    done = subprocess.run([judge, option], check=False, capture_output=True, text=True)
    found = re.search(r"(?:version|OpenSSL) (\d+(?:\.\d+)*)", done.stdout + done.stderr)
    assert found is not None
    return tuple(int(part) for part in found.group(1).split("."))


def acceptable(judge: str, answer: str, *, good: str, scheme: SignatureScheme) -> bool:
    """Whether the judge answers over a good signature as it should."""
    limits = [each for each in LIMITATIONS if each.concerns(judge, scheme)]
    limited = any(each.answer in answer for each in limits)
    known = any(version(judge)[: len(each.up_to)] <= each.up_to for each in limits)
    return limited if known else limited or answer == good


@pytest.fixture(scope="module")
def keys(practice: Practice) -> dict[str, FileKey]:
    issue = practice.authority.issue_person
    return {
        "rsa2048": file_key(issue("Lê Thị Bình", organisation="UBND", key="rsa2048")),
        "p256": file_key(issue("Lê Thị Bình", organisation="UBND", key="p256")),
        "p384": file_key(issue("Lê Thị Bình", organisation="UBND", key="p384")),
        "ed25519": edwards_key(practice.authority),
    }


@pytest.fixture(scope="module")
def known(practice: Practice) -> RevocationEvidence:
    """What a verifier fetches: the lists of both authorities."""
    authority = practice.authority
    return RevocationEvidence(crls=(authority.crl(), authority.root_crl()))


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Our keys and the judges of what they sign; known is what a verifier fetches."""

    practice: Practice
    keys: dict[str, FileKey]
    known: RevocationEvidence
    java: JavaJudges


@pytest.fixture(scope="module")
def bench(
    practice: Practice,
    keys: dict[str, FileKey],
    known: RevocationEvidence,
    java_judges: JavaJudges,
) -> Bench:
    return Bench(practice=practice, keys=keys, known=known, java=java_judges)


def signed(
    document: bytes, key: FileKey, practice: Practice, *, level: Level, scheme: SignatureScheme
) -> bytes:
    async def make() -> bytes:
        async with EvidenceFetcher(practice.fetch_policy) as fetcher:
            return await sign(
                document,
                key=key,
                request=SigningRequest(level=level, signed_at=datetime.now(UTC), scheme=scheme),
                timestamper=HttpTimestamper(
                    practice.tsa_url, fetcher=fetcher, store=practice.trust
                ),
                checker=PathChecker(store=practice.trust, fetcher=fetcher),
            )

    return asyncio.run(make())


def tampered(document: bytes) -> bytes:
    """One bit changed in the comment after the header: signed bytes that no reader reads."""
    at = document.index(b"%", 5) + 1
    return document[:at] + bytes([document[at] ^ 1]) + document[at + 1 :]


def answers_of_programs(document: bytes, practice: Practice, directory: Path) -> dict[str, str]:
    """What each program says of the first signature."""
    root = practice.authority.root
    return {
        "pdfsig": pdfsig(document, root, directory)[0].signature,
        "mutool": (mutool(document, directory) or [""])[0],
        "openssl": openssl_cades(document, root, directory)[0],
    }


def assert_all_accept(answers: dict[str, str], scheme: SignatureScheme, *, level: Level) -> None:
    extended = level.long_term
    good = {
        "pdfsig": PDFSIG_GOOD,
        "mutool": MUTOOL_EXTENDED if extended else MUTOOL_GOOD,
        "openssl": CADES_GOOD,
    }
    for judge, answer in answers.items():
        assert acceptable(judge, answer, good=good[judge], scheme=scheme), (judge, answer)


def assert_all_refuse(answers: dict[str, str]) -> None:
    assert answers["pdfsig"] != PDFSIG_GOOD
    assert answers["mutool"] not in (MUTOOL_GOOD, MUTOOL_EXTENDED)
    assert answers["openssl"] != CADES_GOOD


pytestmark = [
    pytest.mark.judge("pdfsig", "certutil"),
    pytest.mark.judge("mutool"),
    pytest.mark.judge("openssl"),
    pytest.mark.judge("dss"),
    pytest.mark.judge("qpdf"),
]


@pytest.mark.parametrize("level", list(Level), ids=str)
@pytest.mark.parametrize(("kind", "name"), CASES, ids=[name for _, name in CASES])
def test_all_judges_accept_every_algorithm_at_every_level(
    kind: str, name: str, level: Level, bench: Bench, tmp_path: Path
) -> None:
    scheme = scheme_named(name)
    document = signed(PAGE, bench.keys[kind], bench.practice, level=level, scheme=scheme)
    assert_all_accept(answers_of_programs(document, bench.practice, tmp_path), scheme, level=level)
    # From B-LT on the document must carry its own evidence.
    evidence = None if level.long_term else bench.known
    answer = bench.java.dss(
        document, bench.practice.authority.root, evidence=evidence, reports=f"{name} {level}"
    )
    [said] = answer.signatures
    assert said.level == LEVEL_OF_DSS[level]
    assert [each.type for each in answer.timestamps] == TIMESTAMPS_OF_DSS[level]
    assert all(each.indication == "PASSED" for each in answer.timestamps), answer.timestamps
    if scheme.family is SchemeFamily.ED25519:
        # DSS 6.4's policy (TS 119 312) has no EdDSA for new signatures; it verifies them.
        assert said.intact
        assert said.indication == "INDETERMINATE"
        assert said.sub_indication.startswith("CRYPTO_CONSTRAINTS_FAILURE")
    else:
        assert said.passed, said


@pytest.mark.parametrize(("kind", "name"), CASES, ids=[name for _, name in CASES])
def test_all_judges_refuse_its_tampered_twin(
    kind: str, name: str, bench: Bench, tmp_path: Path
) -> None:
    document = signed(
        PAGE, bench.keys[kind], bench.practice, level=Level.B_T, scheme=scheme_named(name)
    )
    twin = tampered(document)
    assert_all_refuse(answers_of_programs(twin, bench.practice, tmp_path))
    [said] = bench.java.dss(twin, bench.practice.authority.root, evidence=bench.known).signatures
    assert (said.indication, said.sub_indication) == ("TOTAL_FAILED", "HASH_FAILURE"), said


FORM = pdfs.with_text_field(PAGE, "DocNumber", "09")


def made(document: bytes) -> Callable[[Path], bytes]:
    return lambda _: document


def by_qpdf(*options: str) -> Callable[[Path], bytes]:
    return lambda directory: producers.by_qpdf(FORM, *options, directory=directory)


# One document of each structure that readers take different ways through.
KINDS: dict[str, Callable[[Path], bytes]] = {
    "stream references": made(pdfs.with_stream_xrefs(PAGE)),
    "hybrid references, as Word writes": made(producers.as_word_writes()),
    "PDF 2.0": made(PAGE.replace(b"%PDF-1.7", b"%PDF-2.0", 1)),
    "a form": made(FORM),
    "turned by 90": made(pdfs.one_page(rotate=90)),
    "a scan": made(producers.scanned_as_jbig2()),
    "Writer": made((producers.DATA / "documents" / "cong-van.pdf").read_bytes()),
    "Chromium": made((producers.DATA / "producers" / "chromium.pdf").read_bytes()),
    "object streams": by_qpdf("--object-streams=generate"),
    "linearized": by_qpdf("--linearize"),
    "locked by its owner": by_qpdf("--encrypt", "", "owner", "256", "--"),
}


@pytest.mark.parametrize("level", list(Level), ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_all_judges_accept_every_kind_of_document_at_every_level(
    kind: str, level: Level, bench: Bench, tmp_path: Path
) -> None:
    scheme = scheme_named("ECDSA/sha256")
    before = KINDS[kind](tmp_path)
    document = signed(before, bench.keys["p256"], bench.practice, level=level, scheme=scheme)
    assert document.startswith(before)
    assert_all_accept(answers_of_programs(document, bench.practice, tmp_path), scheme, level=level)
    [said] = bench.java.dss(
        document,
        bench.practice.authority.root,
        evidence=None if level.long_term else bench.known,
        reports=f"{kind} {level}",
    ).signatures
    assert said.passed, said
    assert said.level == LEVEL_OF_DSS[level]
    assert_all_refuse(answers_of_programs(tampered(document), bench.practice, tmp_path))
