"""Documents that a good key signed although something in them is odd: the signature is right.

Random damage to a signed document breaks its digest, and says little about whoever reads its
structure. Here the damage comes first and the signature after it.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from certs.practice.profiles import Issued
from certs.schemes import scheme_named
from signer.creation.credential import Credential, credential_of

_LETTERS = b"0123456789/<>[]()%# \n\r\0RobjTfSIGsigKidPareV-+.,"
_WORDS = (
    *(b"/AcroForm", b"/Fields", b"/Kids", b"/Parent", b"/FT", b"/Sig", b"/Tx", b"/V", b"/T"),
    *(b"/Annots", b"/Perms", b"/UR3", b"/DSS", b"/Lock", b"/Reference", b"/Type", b"/Page"),
    *(b"/Pages", b"/Catalog", b"/Root", b"/Size", b"/Prev", b"/XRefStm", b"/Encrypt", b"/Info"),
    *(b"/ByteRange", b"/Contents", b"/SubFilter", b"/Filter", b"/M", b"/Length", b"/Index"),
    *(b"0 R", b"1 0 R", b"3 0 R", b"null", b"<<", b">>", b"endobj", b"stream", b"obj", b"xref"),
    *(b"trailer", b"startxref", b"%%EOF", b"00000 n", b"65535 f", b"00001 n", b"00000 f"),
)
_NUMBER = re.compile(rb"\d+")
_BYTE_RANGE = re.compile(rb"/ByteRange \[0 \d+ \d+ \d+\] *")


@dataclass(frozen=True)
class Resigner:
    """Signs a document anew after it was changed around its signature's value.

    document: as our signer made it, with this key.
    """

    document: bytes
    key: ec.EllipticCurvePrivateKey
    credential: Credential

    @classmethod
    def of(cls, document: bytes, issued: Issued) -> Resigner:
        """Make one for a document that was signed with a P-256 key and SHA-256."""
        assert isinstance(issued.private_key, ec.EllipticCurvePrivateKey)
        scheme = scheme_named("ECDSA/sha256")
        credential = credential_of(issued.certificate, issued.chain, scheme=scheme)
        return cls(document, issued.private_key, credential)

    @property
    def parts(self) -> tuple[bytes, bytes]:
        """What stands before the signature's value and after it."""
        start = self.document.rindex(b"/Contents <") + len(b"/Contents ")
        return self.document[:start], self.document[self.document.index(b">", start) + 1 :]

    def signed(
        self, head: bytes, tail: bytes, *, attributes: Callable[[bytes], bytes] | None = None
    ) -> bytes:
        """Return the document with a good signature; `attributes` changes what is signed in it."""
        old_head, old_tail = self.parts
        gap = len(self.document) - len(old_head) - len(old_tail)
        found = _BYTE_RANGE.search(tail)
        if found is not None:
            numbers = b"/ByteRange [0 %d %d %d]" % (len(head), len(head) + gap, len(tail))
            tail = tail[: found.start()] + numbers.ljust(len(found[0])) + tail[found.end() :]
        digest = hashlib.sha256(head + tail).digest()
        signed_attributes = self.credential.template.signed_attributes(digest)
        if attributes is not None:
            signed_attributes = attributes(signed_attributes)
        value = self.key.sign(signed_attributes, ec.ECDSA(hashes.SHA256()))
        container = self.credential.template.container(signed_attributes, value, timestamp=None)
        digits = container.hex().encode().upper().ljust(gap - 2, b"0")
        return head + b"<" + digits + b">" + tail


def damaged(content: bytes, chance: random.Random, *, from_byte: int = 0) -> bytes:
    """Return bytes with one to three changes in what readers take for structure."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        at = chance.randrange(min(from_byte, len(changed) - 1), len(changed))
        match chance.randrange(9):
            case 0:
                changed[at] ^= 1 << chance.randrange(8)
            case 1 | 2:
                changed[at] = chance.choice(_LETTERS)
            case 3 | 4:
                word = chance.choice(_WORDS)
                changed[at : at + len(word)] = word
            case 5:
                del changed[at : at + chance.randint(1, 4)]
            case 6:
                changed[at:at] = chance.choice((*_WORDS, b" ", b"\n", b"%x\n"))
            case 7:
                number = _NUMBER.search(changed, at)
                if number is not None:
                    value = int(number[0][:9]) + chance.choice((-1, 1, 2, -10, 10, 100))
                    width = len(number[0])
                    changed[number.start() : number.end()] = b"%0*d" % (width, max(0, value))
            case _:
                size = chance.randint(1, 40)
                start = chance.randrange(len(changed))
                changed[at : at + size] = changed[start : start + size]
    return bytes(changed)
