"""A signature between its two steps: prepared, to be signed where the key lives, completed (pure).

The state can be kept as JSON and taken up by another process: it holds no secret, and the
document itself is not part of it.
"""

from __future__ import annotations

import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.schemes import SignatureScheme, scheme_named
from signer.creation.credential import Credential, credential_for
from signer.creation.requests import Level
from signer.creation.update import PendingUpdate

if TYPE_CHECKING:
    from typing import Self

_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedSignature:
    """All that completing a signature takes, but for its value.

    certificates: the signer's, then its issuers'.
    data_to_be_signed: the DER of the signed attributes, which hold the document's digest (RFC
    5652 §5.4); the key signs them with `scheme`.
    """

    update: PendingUpdate
    certificates: tuple[x509.Certificate, ...]
    scheme: SignatureScheme
    level: Level
    data_to_be_signed: bytes

    @property
    def digest(self) -> bytes:
        """The digest of data_to_be_signed, for keys that take digests."""
        return hashlib.new(self.scheme.digest_algorithm, self.data_to_be_signed).digest()

    @property
    def field_name(self) -> str:
        """The signature field's full name."""
        return self.update.field_name

    @property
    def credential(self) -> Credential:
        """What is derived from the signer's certificates."""
        families = frozenset((self.scheme.family,))
        return credential_for(self.certificates, families, wanted=self.scheme)

    def imprint(self, value: bytes) -> bytes:
        """Return what a time-stamp is asked over: the digest of the signature's value.

        RFC 3161 appendix A; EN 319 122-1 §5.3.
        """
        return hashlib.new(self.imprint_algorithm, value).digest()

    @property
    def imprint_algorithm(self) -> str:
        """The digest a time-stamp is asked over: time-stamping authorities take SHA-2 alone."""
        return self.scheme.digest_algorithm.replace("sha3_", "sha")

    def completed(self, value: bytes, *, token: bytes | None = None) -> bytes:
        """Return what comes after the document, with the signature's value and time-stamp.

        Raises ContainerTooLarge when the token is larger than what was reserved.
        """
        container = self.credential.template.container(
            self.data_to_be_signed, value, timestamp=token
        )
        return self.update.completed(container)

    def to_json(self) -> str:
        """Return the state for another process to take up."""
        update = self.update
        return json.dumps(
            {
                "version": _VERSION,
                "start": update.start,
                "content": _text(update.content),
                "gap": [update.gap_start, update.gap_end],
                "field_name": update.field_name,
                "certificates": [
                    _text(each.public_bytes(Encoding.DER)) for each in self.certificates
                ],
                "scheme": str(self.scheme),
                "level": str(self.level),
                "data_to_be_signed": _text(self.data_to_be_signed),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Take up what `to_json` gave. Raises ValueError for anything else."""
        try:
            state: dict[str, Any] = json.loads(text)
            if state["version"] != _VERSION:
                raise ValueError(f"a state of version {state['version']}")
            gap_start, gap_end = state["gap"]
            return cls(
                update=PendingUpdate(
                    start=state["start"],
                    content=_bytes(state["content"]),
                    gap_start=gap_start,
                    gap_end=gap_end,
                    field_name=state["field_name"],
                ),
                certificates=tuple(
                    x509.load_der_x509_certificate(_bytes(each)) for each in state["certificates"]
                ),
                scheme=scheme_named(state["scheme"]),
                level=Level(state["level"]),
                data_to_be_signed=_bytes(state["data_to_be_signed"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError("not the state of a prepared signature") from error


def _text(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def _bytes(text: str) -> bytes:
    return binascii.a2b_base64(text, strict_mode=True)
