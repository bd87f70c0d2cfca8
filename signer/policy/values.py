"""A verification policy: what is asked of good signatures before they count, as a value (pure).

A policy only ever adds findings to those of the judge. What it may name as accepted is what the
judge accepts anyway, so that no policy lets a forged, broken or weak signature pass; and there is
no word in it for integrity, which is not anybody's choice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final

from certs.algorithms import MIN_RSA_BITS
from certs.trust.anchors import AnchorClass, Block
from signer.errors import PolicyInvalid, PolicyNotInForce
from signer.verdicts import SignatureKind, SignatureLevel

DIGESTS: Final = (
    *("sha224", "sha256", "sha384", "sha512", "sha512_224", "sha512_256"),
    *("sha3_224", "sha3_256", "sha3_384", "sha3_512", "shake256", "shake256_len"),
)
"""Digests that the judge accepts; a policy chooses among them."""
SCHEMES: Final = ("rsassa_pkcs1v15", "rsassa_pss", "ecdsa", "ed25519", "ed448")
"""Signature schemes that the judge accepts."""
CURVES: Final = (
    *("secp256r1", "secp384r1", "secp521r1", "secp256k1"),
    *("brainpoolp256r1", "brainpoolp384r1", "brainpoolp512r1"),
)
"""Elliptic curves that the judge accepts."""
LEVELS: Final = (
    SignatureLevel.B_B,
    SignatureLevel.B_T,
    SignatureLevel.B_LT,
    SignatureLevel.B_LTA,
)
"""Levels that a policy may ask for, from the least on (EN 319 142-1 §6.1)."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,31}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Format(StrEnum):
    """Kinds of signatures in PDF that a policy may accept; time-stamps are no matter of it."""

    PADES = "PADES"
    """PAdES (EN 319 142-1): /ETSI.CAdES.detached"""
    ADBE_PKCS7_DETACHED = "ADBE_PKCS7_DETACHED"
    """ISO 32000 §12.8.3.3: what older programs make"""


class DocumentKind(StrEnum):
    """Original (bản gốc), copy (sao y, sao lục, trích sao) or annex (phụ lục) in its own file.

    A copy and a separate annex lawfully bear the body's signature only (NĐ 30/2020 art. 25.1.c and
    Appendix I, III.1.d), so that no leader's signature is missing there.
    """

    ORIGINAL = "ORIGINAL"
    COPY = "COPY"
    ANNEX = "ANNEX"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """An algorithm that the policy accepts: for good (None), or until the day `ends_on` begins.

    Days begin at midnight UTC.
    """

    name: str
    ends_on: date | None = None

    def counts_at(self, at: datetime) -> bool:
        """Tell whether the algorithm still counts at the instant."""
        return self.ends_on is None or at.astimezone(UTC).date() < self.ends_on


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedSize:
    """RSA keys from `bits` on, as `Accepted` says of algorithms."""

    bits: int
    ends_on: date | None = None

    @property
    def rule(self) -> Accepted:
        """The same as an algorithm by name."""
        return Accepted(name=f"RSA from {self.bits} bits", ends_on=self.ends_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithms:
    """What a signature was made with; what does not apply is empty or 0."""

    digest: str = ""
    scheme: str = ""
    rsa_bits: int = 0
    curve: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakness:
    """Why an algorithm does not count; ended_on is None where it never did."""

    what: str
    ended_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgorithmRules:
    """Algorithms that count, and until when (EN 319 102-1 §5.1.4.4, ETSI TS 119 312).

    Raises PolicyInvalid for an algorithm that the judge itself does not accept.
    """

    digests: tuple[Accepted, ...]
    schemes: tuple[Accepted, ...]
    rsa: tuple[AcceptedSize, ...]
    curves: tuple[Accepted, ...]

    def __post_init__(self) -> None:
        for name, known in (("digests", DIGESTS), ("schemes", SCHEMES), ("curves", CURVES)):
            _require_known([each.name for each in getattr(self, name)], known, place=name)
        if not self.digests or not self.schemes:
            raise PolicyInvalid("algorithms: at least one digest and one scheme")
        sizes = [each.bits for each in self.rsa]
        if len(set(sizes)) != len(sizes) or any(bits < MIN_RSA_BITS for bits in sizes):
            raise PolicyInvalid(f"algorithms.rsa_bits: each once, from {MIN_RSA_BITS} on")

    @property
    def ends(self) -> frozenset[date]:
        """The days on which an algorithm of these ends."""
        tables = (self.digests, self.schemes, tuple(each.rule for each in self.rsa), self.curves)
        return frozenset(each.ends_on for table in tables for each in table if each.ends_on)

    def weakness(self, used: Algorithms, *, at: datetime) -> Weakness | None:
        """Say what of the algorithms used does not count at the instant; None where all do."""
        tables = (
            (used.digest, self.digests),
            (used.scheme, self.schemes),
            (used.curve, self.curves),
        )
        for name, table in tables:
            if name and not _counts(name, table, at=at):
                return _weakness(name, _named(name, table), at=at)
        if used.rsa_bits:
            sizes = tuple(each.rule for each in self.rsa if each.bits <= used.rsa_bits)
            return _weakness(f"RSA of {used.rsa_bits} bits", sizes, at=at)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRules:
    """What each signature and seal must be, in every block or in one.

    anchor_classes: classes of authority that may have issued the certificate; empty: any.
    own_anchors: whether the anchor must be one that we trust for this very block.
    proved_time: whether a good time-stamp must prove when it was made.
    """

    least_signature: SignatureLevel = SignatureLevel.B_B
    least_seal: SignatureLevel = SignatureLevel.B_B
    anchor_classes: frozenset[AnchorClass] = frozenset()
    own_anchors: bool = False
    proved_time: bool = False

    def __post_init__(self) -> None:
        if {self.least_signature, self.least_seal} - set(LEVELS):
            raise PolicyInvalid(f"rules: the least level is one of {', '.join(LEVELS)}")
        if AnchorClass.UNSTATED in self.anchor_classes:
            raise PolicyInvalid("rules.anchor_classes: UNSTATED is no class that can be asked for")

    def least_level(self, kind: SignatureKind) -> SignatureLevel:
        """The least level of a signature or seal."""
        return self.least_seal if kind is SignatureKind.SEAL else self.least_signature


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRules:
    """Who must have signed a document of one kind.

    signers: SIGNATURE for the leader's (người có thẩm quyền), SEAL for the body's (cơ quan).
    seal_last: nobody signs after the seal, and only a document that a leader signed is sealed
    (NĐ 30/2020 art. 32.2.d); where no leader needs to sign, only the first half counts.
    """

    signers: frozenset[SignatureKind] = frozenset()
    seal_last: bool = False

    def __post_init__(self) -> None:
        if SignatureKind.DOC_TIMESTAMP in self.signers:
            raise PolicyInvalid("documents: a time-stamp is nobody's signature")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationPolicy:
    """A policy with its name, version and the SHA-256 of the file it was read from.

    rules: for every block that `blocks` does not name. documents: by kind; what is not named needs
    no particular signer. `block` and `kind` are what is asked of this document; without a kind a
    document is judged as an original, which asks for most. Raises PolicyInvalid.
    """

    name: str
    version: str
    digest: str
    valid_from: date
    legal_basis_vi: str = ""
    legal_basis_en: str = ""
    algorithms: AlgorithmRules
    formats: frozenset[Format]
    rules: SignatureRules = SignatureRules()
    blocks: tuple[tuple[Block, SignatureRules], ...] = ()
    documents: tuple[tuple[DocumentKind, DocumentRules], ...] = ()
    block: Block | None = None
    kind: DocumentKind | None = None

    def __post_init__(self) -> None:
        for place, form in (("name", _NAME), ("version", _VERSION), ("digest", _DIGEST)):
            if not form.fullmatch(getattr(self, place)):
                raise PolicyInvalid(f"{place}: {form.pattern} is its form")
        if Format.PADES not in self.formats:
            raise PolicyInvalid("formats: PADES can't be left out, for our own signatures are so")
        for place, table in (("blocks", self.blocks), ("documents", self.documents)):
            if len({key for key, _ in table}) != len(table):
                raise PolicyInvalid(f"{place}: each once")

    @property
    def label(self) -> str:
        """Which policy it is, exactly: what a report names."""
        return f"{self.name}@{self.version}#{self.digest[:12]}"

    @property
    def question(self) -> str:
        """The label with what was asked: equal questions about a document have equal answers.

        What the policy rules alike for all blocks, or all kinds, is one question.
        """
        block = self.block if self.blocks or self.rules.own_anchors else None
        kind = self.kind if self.documents else None
        return f"{self.label}/{block or '-'}/{kind or '-'}"

    def in_force(self, at: datetime) -> VerificationPolicy:
        """Return the policy itself; raises PolicyNotInForce before the day from which it is valid.

        at: when somebody means to judge by it, not the instant that is judged about: a policy of
        today may well be asked about signatures of before it.
        """
        if at.astimezone(UTC).date() < self.valid_from:
            raise PolicyNotInForce(f"{self.label}: valid_from = {self.valid_from}")
        return self

    def next_end(self, at: datetime) -> datetime | None:
        """When the next of its algorithms ends after the instant; None where none will."""
        ends = (self._midnight(day) for day in self.algorithms.ends)
        return min((end for end in ends if end > at), default=None)

    @staticmethod
    def _midnight(day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=UTC)

    def for_block(self, block: Block) -> VerificationPolicy:
        """Return the same policy, asked for a document of that block."""
        return replace(self, block=block)

    def for_kind(self, kind: DocumentKind) -> VerificationPolicy:
        """Return the same policy, asked for an original, a copy or an annex."""
        return replace(self, kind=kind)

    def weakness(self, used: Algorithms, *, at: datetime) -> Weakness | None:
        """Say what of the algorithms used does not count at the instant; None where all do."""
        return self.algorithms.weakness(used, at=at)

    @property
    def signature_rules(self) -> SignatureRules:
        """The rules for signatures in the block that was asked for, or in none."""
        return dict(self.blocks).get(self.block, self.rules) if self.block else self.rules

    @property
    def document_rules(self) -> DocumentRules:
        """The rules for a document of the kind that was asked for."""
        return dict(self.documents).get(self.kind or DocumentKind.ORIGINAL, DocumentRules())


def _require_known(names: list[str], known: tuple[str, ...], *, place: str) -> None:
    strange = sorted(set(names) - set(known))
    if strange:
        raise PolicyInvalid(f"algorithms.{place}: {', '.join(strange)}: never accepted here")
    if len(set(names)) != len(names):
        raise PolicyInvalid(f"algorithms.{place}: each once")


def _counts(name: str, table: tuple[Accepted, ...], *, at: datetime) -> bool:
    for each in table:  # noqa: SIM110 - asked for every certificate, and twice as fast so
        if each.name == name and each.counts_at(at):
            return True
    return False


def _named(name: str, table: tuple[Accepted, ...]) -> tuple[Accepted, ...]:
    return tuple(each for each in table if each.name == name)


def _weakness(what: str, rules: tuple[Accepted, ...], *, at: datetime) -> Weakness | None:
    if any(rule.counts_at(at) for rule in rules):
        return None
    ends = [rule.ends_on for rule in rules if rule.ends_on is not None]
    return Weakness(what=what, ended_on=max(ends, default=None))


def _open(*names: str) -> tuple[Accepted, ...]:
    return tuple(Accepted(name=name) for name in names)


DEFAULT: Final = VerificationPolicy(
    name="default",
    version="1",
    digest="56f83e3c7cd4fa3c3e2de7caab8400b14e238415c1def47ea231d03305a96816",
    valid_from=date(2025, 8, 15),
    legal_basis_vi="Thông tư 15/2025/TT-BKHCN (thuật toán và độ dài khóa)",
    legal_basis_en="Circular 15/2025/TT-BKHCN (algorithms and key lengths)",
    algorithms=AlgorithmRules(
        digests=_open(*DIGESTS),
        schemes=_open(*SCHEMES),
        rsa=(AcceptedSize(bits=MIN_RSA_BITS),),
        curves=_open(*CURVES),
    ),
    formats=frozenset({Format.PADES}),
)
"""The shipped file policies/default.toml as a value, so that nothing is read to judge by it."""
