"""Trust anchors as callers of the service see them."""

from dataclasses import replace

from certs.trust.anchors import AnchorClass, AnchorRole
from exchange.wire.reports import write_anchor
from tests.support.unmarked import unmarked


def test_an_anchor_is_told_with_its_class_and_fingerprint() -> None:
    made = unmarked()
    told = write_anchor(replace(made.anchor(AnchorRole.SEAL), anchor_class=AnchorClass.CONG_VU))
    assert (told.anchor_class, told.certificate_sha256) == ("CONG_VU", made.sha256)
    assert list(told.roles) == ["SEAL"]
    assert not told.practice
