"""Documents signed by the practice authority's people, and a judge that trusts it."""

from __future__ import annotations

import pytest

from certs.authority import Issued
from certs.keys.file import FileKey
from certs.revocation import RevocationEvidence
from signer.requests import Level
from tests.support.practice import Practice
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
