"""What a signature declares in the catalog: the version of PDF and extensions to it (pure).

ISO 32000-2 §7.12; ETSI EN 319 142-1 §5.4 (ESIC), ISO/TS 32001 (SHA-3), ISO/TS 32002 (curves).
"""

from __future__ import annotations

import re
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Final

from pyhanko.sign.signers import constants

from certs.schemes import SchemeFamily
from signer.fastlane.tokens import Entries, NotPlain, integer_of, read_entries, write_entries

if TYPE_CHECKING:
    from pyhanko.pdf_utils.extensions import DeveloperExtension

    from signer.creation.credential import Credential

Version = tuple[int, int]

PADES_VERSION: Final[Version] = (1, 7)
"""From here on PAdES is an extension of PDF, and from 2.0 on part of it."""
PDF_2: Final[Version] = (2, 0)
_EXTENSIONS: Final = b"/Extensions"
_VERSION: Final = b"/Version"
_VERSION_NAME = re.compile(rb"/(\d).(\d)")


def _written(extension: DeveloperExtension) -> bytes:
    out = BytesIO()
    extension.as_pdf_object().write_to_stream(out)
    return out.getvalue()


_ESIC: Final = _written(constants.ESIC_EXTENSION_1)
_SHA_3: Final = _written(constants.ISO32001)
_CURVES: Final = _written(constants.ISO32002)


@lru_cache(maxsize=256)
def extensions_for(credential: Credential) -> tuple[bytes, ...]:
    """Return the extensions of ISO that a signature with this credential needs, as pyHanko does."""
    family, digest = credential.scheme.family, credential.scheme.digest_algorithm
    sha_3 = (_SHA_3,) if digest.startswith("sha3_") else ()
    match family:
        case SchemeFamily.RSA_PKCS1 | SchemeFamily.RSA_PSS:
            return sha_3
        case SchemeFamily.ED25519:
            return (_CURVES,)
        case SchemeFamily.ECDSA:
            certificate = credential.engine.signing_cert
            if certificate is None:
                raise NotPlain("a signer without a certificate")
            kind, curve = certificate.public_key.curve
            known = kind == "named" and curve in constants.ISO32002_CURVE_NAMES
            return (*sha_3, _CURVES) if known else sha_3
    raise NotPlain(f"signatures of the family {family}")


def declared_version(catalog: Entries, header_version: Version) -> Version:
    """Return the version that a document has: its catalog's, or else its first line's."""
    return _version(catalog.get(_VERSION)) or header_version


def raise_version(catalog: Entries, version: Version, *, at_least: Version) -> Version:
    """Raise a document's version where it is lower; return the one that it has then."""
    if version >= at_least:
        return version
    catalog[_VERSION] = b"/%d.%d" % at_least
    return at_least


def declare(catalog: Entries, version: Version, *, extensions: tuple[bytes, ...]) -> Version:
    """Name in the catalog what a signature uses beyond PDF; return the document's version then."""
    if version < PDF_2 and not _declares_pades(catalog):
        _extend(catalog, b"/ESIC", wanted=_ESIC)
    if extensions:
        version = raise_version(catalog, version, at_least=PDF_2)
        _extend(catalog, b"/ISO_", wanted=b"[ %b ]" % b" ".join(extensions))
    return version


def _version(name: bytes | None) -> Version | None:
    if name is None:
        return None
    if not name.startswith(b"/"):
        raise NotPlain("a version that is no name")
    found = _VERSION_NAME.match(name)
    return (int(found[1]), int(found[2])) if found else None


def _declares_pades(catalog: Entries) -> bool:
    """Whether the catalog names ESIC already, at this level or a higher one, which includes it."""
    described = catalog.get(_EXTENSIONS)
    present = None if described is None else read_entries(described, 0)[0].get(b"/ESIC")
    if present is None:
        return False
    level = integer_of(read_entries(present, 0)[0].get(b"/ExtensionLevel"))
    if level < 1:
        raise NotPlain("an extension of no level")
    return True


def _extend(catalog: Entries, prefix: bytes, *, wanted: bytes) -> None:
    described = catalog.get(_EXTENSIONS)
    if described is None:
        catalog[_EXTENSIONS] = b"<<\n%b %b\n>>" % (prefix, wanted)
        return
    entries, _ = read_entries(described, 0)
    present = entries.get(prefix)
    if present == wanted:
        return
    if present is not None:
        raise NotPlain("other extensions of the same prefix")
    entries[prefix] = wanted
    catalog[_EXTENSIONS] = write_entries(entries)
