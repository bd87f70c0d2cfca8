"""Signing in two steps: the state survives as text, and another process completes the document."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.keys.file import FileKey
from signer import Level, SigningRequest, assess
from signer.creation.prepared import PreparedSignature
from signer.creation.signing import prepare_signature, sign, sign_tail
from signer.errors import ContainerTooLarge
from signer.source import Source
from signer.verdicts import Indication
from tests.support import pdfs
from tests.support.practice import Practice


def request() -> SigningRequest:
    return SigningRequest(level=Level.B_B, signed_at=datetime.now(UTC), reason="Phê duyệt")


def prepared_for(key: FileKey, source: Source) -> PreparedSignature:
    return prepare_signature(source, certificates=(key.certificate, *key.chain), request=request())


async def test_a_state_kept_as_text_completes_to_a_good_signature(
    leader_key: FileKey, practice: Practice
) -> None:
    document = pdfs.one_page()
    kept = prepared_for(leader_key, Source.of_bytes(document)).to_json()
    taken_up = PreparedSignature.from_json(kept)
    value = await leader_key.sign_raw(taken_up.data_to_be_signed, taken_up.scheme)
    signed = document + taken_up.completed(value)
    report = assess(signed, store=practice.trust, at=datetime.now(UTC))
    [signature] = report.signatures
    # Without evidence about revocation nothing passes; the cryptography must.
    assert signature.indication is not Indication.TOTAL_FAILED
    assert taken_up == PreparedSignature.from_json(kept)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 2}', "null"])
def test_another_text_is_no_state(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        PreparedSignature.from_json(text)


def test_the_state_shows_its_version(leader_key: FileKey) -> None:
    state = prepared_for(leader_key, Source.of_bytes(pdfs.one_page())).to_json()
    assert json.loads(state)["version"] == 1


def test_a_token_beyond_the_reserve_is_refused_and_never_cut(leader_key: FileKey) -> None:
    prepared = prepared_for(leader_key, Source.of_bytes(pdfs.one_page()))
    with pytest.raises(ContainerTooLarge):
        prepared.completed(bytes(256), token=bytes(prepared.update.reserve))


async def test_a_document_in_a_file_gets_the_update_of_one_in_memory(
    leader_key: FileKey, tmp_path: Path, practice: Practice
) -> None:
    document = pdfs.one_page()
    file = tmp_path / "a.pdf"
    file.write_bytes(document)
    asked = request()
    with Source.of_file(file) as source:
        tail = await sign_tail(source, key=leader_key, request=asked)
    whole = await sign(document, key=leader_key, request=asked)
    assert len(document + tail) == len(whole)
    for signed in (document + tail, whole):
        [signature] = assess(signed, store=practice.trust, at=datetime.now(UTC)).signatures
        assert signature.indication is not Indication.TOTAL_FAILED
