"""Verification policies as TOML files: read with limits, and refused with every fault they have."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from certs.trust.anchors import AnchorClass, Block
from signer.errors import PolicyInvalid
from signer.policy.values import (
    Accepted,
    AcceptedSize,
    AlgorithmRules,
    DocumentKind,
    DocumentRules,
    Format,
    SignatureRules,
    VerificationPolicy,
)
from signer.verdicts import SignatureKind, SignatureLevel

MAX_BYTES: Final = 64 * 1024
"""Size of a policy file; the shipped ones have 4 KiB."""
SHIPPED: Final = Path(__file__).parent / "shipped"
"""The directory of the policies that come with the program."""
OPEN: Final = "open"
_MAX_FAULTS: Final = 20
_TEXT_CHARACTERS: Final = 500

_Value = TypeVar("_Value")
_Word = TypeVar("_Word", bound=StrEnum)


def read_policy(path: Path) -> VerificationPolicy:
    """Read a policy; raises PolicyInvalid naming all that is wrong with the file."""
    return parse_policy(policy_bytes(path), source=str(path))


def policy_bytes(path: Path) -> bytes:
    """Return the file's bytes, as its digest is made of; raises PolicyInvalid."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PolicyInvalid(f"{path}: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise PolicyInvalid(f"{path}: more than {MAX_BYTES} bytes")
    return content


def shipped_policies() -> dict[str, Path]:
    """Return the files of the policies that come with the program, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}


def parse_policy(content: bytes, *, source: str = "policy") -> VerificationPolicy:
    """Read a policy from the bytes of its file; raises PolicyInvalid."""
    try:
        data = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise PolicyInvalid(f"{source}: {error}") from error
    table = _Table(data, place="")
    policy = _policy(table, digest=hashlib.sha256(content).hexdigest())
    table.refuse_unread()
    if policy is None or table.faults:
        shown = table.faults[:_MAX_FAULTS]
        more = ["…"] if len(table.faults) > _MAX_FAULTS else []
        raise PolicyInvalid(f"{source}: {'; '.join(shown + more)}")
    return policy


class _Table:
    """A table of the file while it is read: what is wrong, and which keys nobody asked for."""

    def __init__(self, data: Mapping[str, Any], *, place: str, root: _Table | None = None) -> None:
        self._data = data
        self._place = place
        self._unread = set(data)
        self._tables: list[_Table] = []
        self.faults: list[str] = root.faults if root is not None else []

    def refuse_unread(self) -> None:
        """Count keys that mean nothing as faults: a slip of the pen must not loosen a policy."""
        self.faults.extend(f"{self._name(key)}: unknown" for key in sorted(self._unread))
        for table in self._tables:
            table.refuse_unread()

    def keys(self) -> list[str]:
        """The keys of the table, as written."""
        return list(self._data)

    def table(self, key: str) -> _Table:
        """Return the table of that name; an empty one where there is none."""
        empty: Mapping[str, Any] = {}
        found = self.take(key, _mapping, default=empty)
        inner = _Table(found or empty, place=self._name(key), root=self)
        self._tables.append(inner)
        return inner

    def take(
        self, key: str, read: Callable[[object], _Value], *, default: _Value | None = None
    ) -> _Value | None:
        """Return what `read` makes of the key's value; without a default the key is needed."""
        self._unread.discard(key)
        if key not in self._data:
            if default is None:
                self.faults.append(f"{self._name(key)}: missing")
            return default
        return self.guarded(key, lambda: read(self._data[key]))

    def guarded(self, key: str, make: Callable[[], _Value]) -> _Value | None:
        """Return what `make` makes; note what it refuses as a fault of that key."""
        try:
            return make()
        except PolicyInvalid as error:
            self.faults.append(error.detail)
        except (TypeError, ValueError) as error:
            self.faults.append(f"{self._name(key)}: {error}")
        return None

    def _name(self, key: str) -> str:
        name = key if key.isprintable() and len(key) <= 64 else repr(key)[:64]
        return f"{self._place}.{name}" if self._place else name


def _policy(table: _Table, *, digest: str) -> VerificationPolicy | None:
    name, version = table.take("name", _text), table.take("version", _text)
    valid_from = table.take("valid_from", _day)
    legal_basis = [table.take(f"legal_basis_{each}", _text, default="") for each in ("vi", "en")]
    algorithms = _algorithms(table.table("algorithms"))
    formats = table.table("formats").take("accepted", _words(Format))
    rules = _signature_rules(table.table("rules"), SignatureRules())
    general = rules or SignatureRules()
    blocks = _by_word(
        table.table("blocks"), Block, read=lambda each: _signature_rules(each, general)
    )
    documents = _by_word(table.table("documents"), DocumentKind, read=_document_rules)
    if name is None or version is None or valid_from is None:
        return None
    if algorithms is None or formats is None or rules is None:
        return None
    return table.guarded(
        "",
        lambda: VerificationPolicy(
            name=name,
            version=version,
            digest=digest,
            valid_from=valid_from,
            legal_basis_vi=legal_basis[0] or "",
            legal_basis_en=legal_basis[1] or "",
            algorithms=algorithms,
            formats=formats,
            rules=rules,
            blocks=blocks,
            documents=documents,
        ),
    )


def _algorithms(table: _Table) -> AlgorithmRules | None:
    digests, schemes, curves = (
        _accepted(table.table(key)) for key in ("digests", "schemes", "curves")
    )
    sizes = table.table("rsa_bits")
    rsa = []
    for key in sizes.keys():  # noqa: SIM118 - a table of ours, no mapping
        bits = sizes.guarded(key, lambda key=key: _bits(key))  # type: ignore[misc]
        ends_on = sizes.take(key, _end)
        if bits is not None:
            rsa.append(AcceptedSize(bits=bits, ends_on=_day_of(ends_on)))
    return table.guarded(
        "",
        lambda: AlgorithmRules(digests=digests, schemes=schemes, rsa=tuple(rsa), curves=curves),
    )


def _accepted(table: _Table) -> tuple[Accepted, ...]:
    return tuple(
        Accepted(name=key, ends_on=_day_of(table.take(key, _end)))
        for key in table.keys()  # noqa: SIM118
    )


def _signature_rules(table: _Table, general: SignatureRules) -> SignatureRules | None:
    levels = table.take(
        "least_level", _levels, default=(general.least_signature, general.least_seal)
    )
    classes = table.take("anchor_classes", _words(AnchorClass), default=general.anchor_classes)
    own_anchors = table.take("own_anchors", _flag, default=general.own_anchors)
    proved_time = table.take("proved_time", _flag, default=general.proved_time)
    if levels is None or classes is None or own_anchors is None or proved_time is None:
        return None
    return table.guarded(
        "",
        lambda: SignatureRules(
            least_signature=levels[0],
            least_seal=levels[1],
            anchor_classes=classes,
            own_anchors=own_anchors,
            proved_time=proved_time,
        ),
    )


def _document_rules(table: _Table) -> DocumentRules | None:
    nobody: frozenset[SignatureKind] = frozenset()
    signers = table.take("signers", _words(SignatureKind), default=nobody)
    seal_last = table.take("seal_last", _flag, default=False)
    if signers is None or seal_last is None:
        return None
    return table.guarded("", lambda: DocumentRules(signers=signers, seal_last=seal_last))


def _by_word(
    table: _Table, kind: type[_Word], *, read: Callable[[_Table], _Value | None]
) -> tuple[tuple[_Word, _Value], ...]:
    """Read the tables below `table` that are named by words of `kind`; others stay unread."""
    found = [(word, read(table.table(word))) for word in kind if word in table.keys()]  # noqa: SIM118
    return tuple((word, value) for word, value in found if value is not None)


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("a table is needed")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _TEXT_CHARACTERS or not value.isprintable():
        raise TypeError(f"a line of at most {_TEXT_CHARACTERS} characters is needed")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false is needed")
    return value


def _day(value: object) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise TypeError("a date is needed, as 2029-01-01")
    return value


def _end(value: object) -> date | str:
    return OPEN if value == OPEN else _day(value)


def _day_of(end: date | str | None) -> date | None:
    return end if isinstance(end, date) else None


def _bits(key: str) -> int:
    if not (key.isascii() and key.isdigit() and len(key) <= 5):
        raise ValueError("a number of bits is needed")
    return int(key)


def _words(kind: type[_Word]) -> Callable[[object], frozenset[_Word]]:
    def read(value: object) -> frozenset[_Word]:
        known = {str(word): word for word in kind}
        if not isinstance(value, list) or not all(
            isinstance(each, str) and each in known for each in value
        ):
            raise TypeError(f"a list is needed of {', '.join(known)}")
        return frozenset(known[each] for each in value)

    return read


def _levels(value: object) -> tuple[SignatureLevel, SignatureLevel]:
    """Read one level for both, or a table with one for SIGNATURE and one for SEAL."""
    known = {str(level): level for level in SignatureLevel}
    kinds = [str(SignatureKind.SIGNATURE), str(SignatureKind.SEAL)]
    named: dict[str, Any] = value if isinstance(value, dict) else dict.fromkeys(kinds, value)
    if set(named) != set(kinds) or not all(
        isinstance(each, str) and each in known for each in named.values()
    ):
        raise TypeError("a level is needed, as B-T, or one each for SIGNATURE and SEAL")
    return known[named[kinds[0]]], known[named[kinds[1]]]
