"""Trust anchors and the store that holds them: frozen values, never altered, only derived from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.errors import TrustStoreInvalid
from certs.parsing import DAMAGE

# Marks every certificate of the practice authority. An arc under 2.25 (Rec. ITU-T X.667) needs
# no registration and collides with nobody's.
PRACTICE_EXTENSION = x509.ObjectIdentifier("2.25.282690190499787473192660904380092264218")


class Block(StrEnum):
    """One of the four blocks (khối) of the political system that exchange documents."""

    PARTY = "PARTY"
    """Đảng"""
    STATE = "STATE"
    """Chính quyền"""
    FRONT = "FRONT"
    """Mặt trận Tổ quốc, đoàn thể"""
    BUSINESS = "BUSINESS"
    """Doanh nghiệp"""


class AnchorRole(StrEnum):
    """What certificates under an anchor may be used for."""

    SIGNER = "SIGNER"
    """người ký: a person's signature"""
    SEAL = "SEAL"
    """con dấu: an organisation's seal"""
    TSA = "TSA"
    """a time-stamping authority (cơ quan cấp dấu thời gian)"""
    TLS = "TLS"
    """an endpoint or a server on the wire"""


class AnchorClass(StrEnum):
    """Under which law an authority certifies: what a policy asks of a signer's authority.

    The class is said when the anchor is trusted; no name in a certificate is ever read for it.
    """

    CONG_VU = "CONG_VU"
    """chuyên dùng công vụ: the authority for official duty, of Ban Cơ yếu Chính phủ"""
    CONG_CONG = "CONG_CONG"
    """công cộng: a licensed public authority under the national root"""
    FOREIGN = "FOREIGN"
    """nước ngoài: a foreign authority recognised in Vietnam"""
    PRACTICE = "PRACTICE"
    """thực hành: the practice authority, of no legal value"""
    UNSTATED = "UNSTATED"
    """chưa khai báo: nobody said it, so it counts as no class where a policy asks for one"""


def is_practice(certificate: x509.Certificate) -> bool:
    """Whether the certificate bears the practice authority's private mark."""
    try:
        certificate.extensions.get_extension_for_oid(PRACTICE_EXTENSION)
    except x509.ExtensionNotFound:
        return False
    except DAMAGE:
        # Extensions that can't be parsed can't prove the mark; the judge refuses them by itself.
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustAnchor:
    """A certificate trusted by decision, for certain roles and blocks, from one instant to another.

    A practice anchor has the class PRACTICE, and nothing else has it. Raises TrustStoreInvalid
    when roles or blocks are missing, when the window is empty or naive, when practice and class
    contradict each other, or when a practice certificate claims to be real.
    """

    certificate: x509.Certificate
    roles: frozenset[AnchorRole]
    blocks: frozenset[Block]
    valid_from: datetime
    valid_until: datetime
    practice: bool = False
    anchor_class: AnchorClass = AnchorClass.UNSTATED

    def __post_init__(self) -> None:
        if not self.roles or not self.blocks:
            raise TrustStoreInvalid("an anchor needs at least one role and one block")
        if self.valid_from.utcoffset() != timedelta(0) or self.valid_until.utcoffset() != timedelta(
            0
        ):
            raise TrustStoreInvalid("an anchor's window must be given in UTC")
        if self.valid_from >= self.valid_until:
            raise TrustStoreInvalid("an anchor's window is empty")
        if is_practice(self.certificate) and not self.practice:
            raise TrustStoreInvalid("a practice certificate is offered as a real anchor")
        if self.practice and self.anchor_class is AnchorClass.UNSTATED:
            object.__setattr__(self, "anchor_class", AnchorClass.PRACTICE)
        if self.practice != (self.anchor_class is AnchorClass.PRACTICE):
            raise TrustStoreInvalid("practice anchors, and they only, have the class PRACTICE")

    @property
    def der(self) -> bytes:
        """The certificate, DER."""
        return self.certificate.public_bytes(Encoding.DER)

    def trusted_at(self, at: datetime) -> bool:
        """Whether the decision to trust this anchor covers the instant."""
        return self.valid_from <= at <= self.valid_until

    def __reduce__(self) -> tuple[Callable[..., TrustAnchor], tuple[object, ...]]:
        # cryptography's certificates do not pickle, and the store must cross to the sandbox.
        fields = {
            "roles": self.roles,
            "blocks": self.blocks,
            "valid_from": self.valid_from,
            "valid_until": self.valid_until,
            "practice": self.practice,
            "anchor_class": self.anchor_class,
        }
        return _anchor_of, (self.der, fields)

    def _digest(self) -> bytes:
        content = hashlib.sha256(self.der)
        content.update(",".join(sorted(self.roles)).encode() + b";")
        content.update(",".join(sorted(self.blocks)).encode() + b";")
        content.update(f"{self.valid_from.isoformat()};{self.valid_until.isoformat()}".encode())
        content.update(b";practice" if self.practice else b";real")
        content.update(b";" + self.anchor_class.encode())
        return content.digest()


def _anchor_of(der: bytes, fields: dict[str, Any]) -> TrustAnchor:
    return TrustAnchor(certificate=x509.load_der_x509_certificate(der), **fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustStore:
    """All that is trusted. Deriving a store leaves its parent as it was."""

    anchors: tuple[TrustAnchor, ...] = ()
    version: str = field(init=False, compare=False)
    """SHA-256 (hex) of the content, independent of the anchors' order."""

    def __post_init__(self) -> None:
        # A list from a careless caller would be shared with that caller.
        object.__setattr__(self, "anchors", tuple(self.anchors))
        content = hashlib.sha256()
        for digest in sorted({anchor._digest() for anchor in self.anchors}):
            content.update(digest)
        object.__setattr__(self, "version", content.hexdigest())

    def anchors_for(
        self, role: AnchorRole, *, at: datetime, block: Block | None = None
    ) -> tuple[TrustAnchor, ...]:
        """The anchors that count for the role at the instant, of one block or of any."""
        return tuple(
            anchor
            for anchor in self.anchors
            if role in anchor.roles
            and anchor.trusted_at(at)
            and (block is None or block in anchor.blocks)
        )

    def including(self, anchor: TrustAnchor) -> TrustStore:
        """A new store with the anchor added; the same content gives the same version."""
        if anchor in self.anchors:
            return self
        return TrustStore(anchors=(*self.anchors, anchor))
