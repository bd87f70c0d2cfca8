"""What signatures themselves say is what stands in the raw file."""

from __future__ import annotations

import hashlib

from certs.keys.file import FileKey
from signer.creation.requests import Level
from signer.validation.signed_facts import signed_facts
from tests.support.judges import signed_parts
from tests.support.pdfs import one_page
from tests.support.practice import Practice
from tests.support.verification import Desk


def test_the_facts_are_those_of_the_raw_file(practice: Practice, leader_key: FileKey) -> None:
    document = Desk(practice).sign(one_page(), leader_key, Level.B_T)
    ((container, signed),) = signed_parts(document)
    (facts,) = signed_facts(document)
    assert facts.container == container
    assert facts.document_digest == hashlib.sha256(signed).digest()
    assert facts.sub_filter == "ETSI.CAdES.detached"
    start, length, resume, rest = facts.byte_range
    assert document[start : start + length] + document[resume : resume + rest] == signed
    assert facts.signature_value in container
    (token,) = facts.timestamps
    assert token in container


def test_what_cannot_be_read_has_no_facts() -> None:
    assert signed_facts(b"no PDF") == ()
    assert signed_facts(one_page()) == ()
    assert signed_facts(b"%PDF-1.7\n" + b"x" * 2000 + b"\nstartxref\n0\n%%EOF\n") == ()
