"""What the parsers of certificates raise on damaged input, gathered in one place (pure)."""

from __future__ import annotations

from typing import Final

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
