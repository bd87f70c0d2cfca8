"""The practice authority's directory: keys, certificates and the list of what was issued."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from certs.errors import PracticeAuthorityUnusable
from certs.practice.profiles import PrivateKey, private_pem

STATE_FORMAT = 1
_PRIVATE = 0o600
_PUBLIC = 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """That a certificate was revoked: when, and why in the words of x509.ReasonFlags."""

    at: datetime
    reason: str


@dataclass(slots=True, kw_only=True)
class Ledger:
    """What the authority remembers: where it answers, what it issued, what it revoked."""

    base_url: str
    organisation: str
    issued: dict[int, str] = field(default_factory=dict)
    revoked: dict[int, Revocation] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """The whole ledger as JSON, serial numbers in hexadecimal."""
        content = {
            "format": STATE_FORMAT,
            "base_url": self.base_url,
            "organisation": self.organisation,
            "issued": {f"{serial:x}": name for serial, name in self.issued.items()},
            "revoked": {
                f"{serial:x}": {"at": revocation.at.isoformat(), "reason": revocation.reason}
                for serial, revocation in self.revoked.items()
            },
        }
        return json.dumps(content, ensure_ascii=False, indent=1).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Ledger:
        """The ledger again; raises PracticeAuthorityUnusable for anything else."""
        try:
            read = json.loads(content)
            if read["format"] != STATE_FORMAT:
                raise PracticeAuthorityUnusable("it was made by another version")
            return cls(
                base_url=read["base_url"],
                organisation=read["organisation"],
                issued={int(serial, 16): name for serial, name in read["issued"].items()},
                revoked={
                    int(serial, 16): Revocation(
                        at=datetime.fromisoformat(each["at"]), reason=each["reason"]
                    )
                    for serial, each in read["revoked"].items()
                },
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PracticeAuthorityUnusable("its ledger cannot be read") from error


def write_file(path: Path, content: bytes, *, private: bool) -> None:
    """Write a file so that a reader sees the old or the new content, never a part.

    Private files are mode 0600 from the first byte.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    mode = _PRIVATE if private else _PUBLIC
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_pair(
    directory: Path, name: str, *, certificate: x509.Certificate, key: PrivateKey
) -> None:
    """One of the authority's own certificates with its key."""
    write_file(directory / f"{name}.key", private_pem(key), private=True)
    write_file(directory / f"{name}.crt", certificate.public_bytes(Encoding.PEM), private=False)


def read_pair(directory: Path, name: str) -> tuple[x509.Certificate, PrivateKey]:
    """The pair again; raises PracticeAuthorityUnusable when it is not there or damaged."""
    try:
        certificate = x509.load_pem_x509_certificate((directory / f"{name}.crt").read_bytes())
        key = serialization.load_pem_private_key((directory / f"{name}.key").read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise PracticeAuthorityUnusable(f"the {name} key cannot be read") from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise PracticeAuthorityUnusable(f"the {name} key is of another kind")
    return certificate, key
