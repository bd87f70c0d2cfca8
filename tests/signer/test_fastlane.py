"""The quick way to a signature: whatever it gives, the engine would have given byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from signer.creation.credential import Credential
from signer.creation.requests import FieldLock, LockAction, Permission, SigningRequest
from signer.fastlane.lane import fast_update
from signer.pages.appearance import Appearance, Box
from signer.source import Source
from tests.support import pdfs, plain_kinds
from tests.support.pictures import seal_picture
from tests.support.two_ways import RESERVE, quick, request_for, taken_rightly, through_the_engine

pytestmark = pytest.mark.usefixtures("frozen")

KINDS = plain_kinds.kinds()


@pytest.mark.parametrize("kind", KINDS)
def test_every_plain_kind_gets_the_engines_bytes(kind: str, credentials: list[Credential]) -> None:
    for each in credentials:
        assert taken_rightly(KINDS[kind], each)


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_and_a_third_signature_get_the_engines_bytes(
    kind: str, credentials: list[Credential]
) -> None:
    document = KINDS[kind]
    for each in (credentials[0], credentials[3], credentials[0]):
        assert taken_rightly(document, each)
        document += through_the_engine(document, each).content


@pytest.mark.parametrize(
    "fields",
    [
        {"field_name": "CoQuan"},
        {"field_name": "Cơ quan (1)"},
        {"reason": "Phê duyệt", "location": "Thanh Hóa"},
        {"reason": "Approved (1)\n", "location": ""},
    ],
    ids=repr,
)
def test_names_and_texts_of_a_request_are_written_as_the_engine_does(
    rsa: Credential, fields: dict[str, object]
) -> None:
    assert taken_rightly(KINDS["table and Info"], rsa, request_for(**fields))


def test_a_document_in_a_file_gets_the_same_update_as_one_in_memory(
    rsa: Credential, tmp_path: Path
) -> None:
    for index, document in enumerate(KINDS.values()):
        path = tmp_path / f"{index}.pdf"
        path.write_bytes(document)
        with Source.of_file(path) as source:
            update = fast_update(source, credential=rsa, request=request_for(), reserve=RESERVE)
        assert update == quick(document, rsa)


def test_a_document_followed_by_an_update_is_read_as_one(rsa: Credential) -> None:
    document = KINDS["object stream and XMP"]
    first = through_the_engine(document, rsa)
    followed = Source.of_bytes(document).followed_by(first.content)
    update = fast_update(followed, credential=rsa, request=request_for(), reserve=RESERVE)
    assert update is not None
    assert update == through_the_engine(document + first.content, rsa)


@pytest.mark.parametrize(
    "request_",
    [
        request_for(
            appearance=Appearance(
                picture=seal_picture(),
                box=Box(page=1, left_mm=10, bottom_mm=10, width_mm=40, height_mm=20),
            )
        ),
        request_for(certification=Permission.FILL_FORMS),
        request_for(lock=FieldLock(action=LockAction.ALL)),
        request_for(field_name="a.b"),
        request_for(field_name="SoVanBan"),
    ],
    ids=["a picture", "certifying", "locking", "a name of two parts", "an existing field"],
)
def test_signatures_of_other_kinds_are_left_to_the_engine(
    rsa: Credential, request_: SigningRequest
) -> None:
    document = KINDS["a form of text fields"]
    assert quick(document, rsa) is not None
    assert quick(document, rsa, request_) is None


def certified(credential: Credential) -> bytes:
    document = pdfs.one_page()
    request = request_for(certification=Permission.FILL_FORMS)
    return document + through_the_engine(document, credential, request).content


def locked(credential: Credential) -> bytes:
    document = pdfs.one_page()
    request = request_for(lock=FieldLock(action=LockAction.ALL))
    return document + through_the_engine(document, credential, request).content


def test_documents_that_restrict_changes_or_hide_their_bytes_are_left_to_the_engine(
    rsa: Credential,
) -> None:
    for document in (certified(rsa), locked(rsa), pdfs.encrypted(pdfs.one_page())):
        assert quick(document, rsa) is None
