"""Documents signed by the practice authority's people, and the judge and clock of the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pyhanko.pdf_utils.metadata.info
import pyhanko.pdf_utils.metadata.xmp_xml
import pytest

import signer.fastlane.lane
from certs.keys.file import FileKey
from certs.practice.authority import Issued
from certs.revocation.evidence import RevocationEvidence
from signer.creation.credential import Credential
from signer.creation.requests import Level
from tests.support.practice import Practice, file_key
from tests.support.two_ways import StoppedClock, credential
from tests.support.verification import Desk, Judge


@pytest.fixture(scope="session")
def desk(practice: Practice) -> Desk:
    """Our signer with the practice authority's time-stamps."""
    return Desk(practice)


@pytest.fixture(scope="session")
def evidence(practice: Practice, leader: Issued, seal: Issued) -> RevocationEvidence:
    """Fresh evidence on the leader, the seal and the time-stamping authority."""
    found = practice.evidence(leader.certificate, seal.certificate)
    return found.merged(RevocationEvidence(crls=(practice.authority.crl(),)))


@pytest.fixture(scope="session")
def judge(practice: Practice, evidence: RevocationEvidence) -> Judge:
    """Our verifier, with everything at hand that it needs to say VALID."""
    return Judge(practice, evidence)


@pytest.fixture(scope="session")
def signed(desk: Desk, leader_key: FileKey, one_page_pdf: bytes) -> bytes:
    """A document signed by the leader, B-B."""
    return desk.sign(one_page_pdf, leader_key)


@pytest.fixture(scope="session")
def stamped(desk: Desk, leader_key: FileKey, one_page_pdf: bytes) -> bytes:
    """A document signed by the leader with a time-stamp, B-T."""
    return desk.sign(one_page_pdf, leader_key, Level.B_T)


@pytest.fixture(scope="session")
def sealed(desk: Desk, seal_key: FileKey, stamped: bytes) -> bytes:
    """The leader's document with the agency's seal after it, B-T both."""
    return desk.sign(stamped, seal_key, Level.B_T)


@pytest.fixture(scope="module")
def frozen() -> Iterator[None]:
    """Stop the clock and the dice: only they may make the two ways differ."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (
            signer.fastlane.lane,
            pyhanko.pdf_utils.metadata.info,
            pyhanko.pdf_utils.metadata.xmp_xml,
        ):
            patch.setattr(module, "datetime", StoppedClock)
        patch.setattr(os, "urandom", lambda size: bytes(range(1, size + 1)))
        yield


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
