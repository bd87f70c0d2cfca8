"""A document signed by leader and seal, judged, for tests of what is made from real reports."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from certs.keys.file import FileKey
from certs.revocation.evidence import RevocationEvidence
from signer.creation.requests import Level
from signer.office.number_and_date import LEADER_FIELD, SEAL_FIELD
from signer.report import Report
from tests.support.lawful import numbered, prepared
from tests.support.practice import Practice, one_page
from tests.support.verification import Desk, Judge


@dataclass(frozen=True)
class Judged:
    """A document and the report on it."""

    document: bytes
    report: Report


@pytest.fixture(scope="session")
def judged(practice: Practice, leader_key: FileKey, seal_key: FileKey) -> Judged:
    """Prepared, signed by the leader, numbered, sealed: the office's lawful order, at B-T."""
    desk = Desk(practice)
    document = prepared(one_page("."))
    document = desk.sign(document, leader_key, Level.B_T, field_name=LEADER_FIELD)
    document = desk.sign(numbered(document), seal_key, Level.B_T, field_name=SEAL_FIELD)
    crls = (practice.authority.crl(), practice.authority.root_crl())
    judge = Judge(practice, RevocationEvidence(crls=crls))
    return Judged(document=document, report=judge(document))
