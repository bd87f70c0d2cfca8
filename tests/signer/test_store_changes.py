"""The rules for a document's security store rest on inner functions of the engine."""

from __future__ import annotations

import hashlib
import inspect

import pytest
from pyhanko.sign.diff_analysis import DSSCompareRule
from pyhanko.sign.diff_analysis.rules.form_field_rules import _validate_dss_substructure

BORROWED = {
    "59717a6286779f87": _validate_dss_substructure,
    "84da456cb784db16": DSSCompareRule._check_vri,
}


@pytest.mark.parametrize(("digest", "borrowed"), BORROWED.items())
def test_what_the_rules_borrow_from_the_engine_is_what_they_were_made_for(
    digest: str, borrowed: object
) -> None:
    """When this fails, read what the engine judges now before correcting the digest."""
    assert callable(borrowed)
    source = inspect.getsource(borrowed)
    assert hashlib.sha256(source.encode("utf-8")).hexdigest().startswith(digest)
