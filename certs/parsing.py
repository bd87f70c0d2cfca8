"""Parsing of certificates: what it raises on damaged input, and what is kept parsed (pure)."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Final

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

DAMAGE: Final = (
    ValueError,
    TypeError,
    KeyError,
    OverflowError,
    InvalidSignature,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""cryptography reads most fields only when they are asked for, so any property may raise these."""

KEPT_CERTIFICATES = 128


class _Kept(threading.local):
    # One for each thread: asn1crypto fills its objects in while they are read, without a lock.
    def __init__(self) -> None:
        self.parse = lru_cache(maxsize=KEPT_CERTIFICATES)(asn1_x509.Certificate.load)


_kept = _Kept()


def asn1_certificate(der: bytes) -> asn1_x509.Certificate:
    """The certificate as asn1crypto has it; do not alter it.

    The same issuers are judged again and again, and most of a judgement's time went into
    preparing their names for comparison anew: keeping them halves it.
    """
    return _kept.parse(der)
