"""A token filled with keys of each family, and each test's own copy of it."""

from __future__ import annotations

import shutil

import pytest

from tests.certs.token_keys import CURVE, CURVE_ID, EDWARDS, EDWARDS_ID, ISSUING, RSA, RSA_ID
from tests.support.tokens import TokenBox, make_box


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> TokenBox:
    """A token with three keys, their certificates, and the issuer's certificate."""
    box = make_box(tmp_path_factory.mktemp("tokens"))
    with box.as_configured():
        box.add_token("van-thu")
        for key_id, pair in ((RSA_ID, RSA), (CURVE_ID, CURVE), (EDWARDS_ID, EDWARDS)):
            box.put("van-thu", pair.certificate, key=pair.key, key_id=key_id)
        box.put("van-thu", ISSUING.certificate, key=None, key_id=b"\x09")
    return box


@pytest.fixture
def box(filled: TokenBox, token_box: TokenBox) -> TokenBox:
    """The test's own copy of that token."""
    shutil.copytree(filled.tokens, token_box.tokens, dirs_exist_ok=True)
    return token_box
