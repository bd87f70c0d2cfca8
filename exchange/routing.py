"""Who may send what to whom: a table of rules, first match decides, no match refuses.

Pure but for `load_routing_table`, which reads policy/routing.toml unless told otherwise.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certs.trust.anchors import Block
from exchange.agency import Endpoint
from exchange.envelope import Envelope, Priority
from exchange.errors import ClassifiedContentRefused, SettingInvalid

DEFAULT_ROUTING_FILE = Path(__file__).parent / "policy" / "routing.toml"

# What may stand before a word of secrecy and makes it no label: bí mật (secret, the noun), bảo mật
# (confidentiality), không mật (not secret).
_NO_LABEL = ("bí ", "bảo ", "không ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the routing table (quy tắc định tuyến); empty `types` or `priorities` fit any."""

    rule_id: str
    senders: frozenset[Block]
    recipients: frozenset[Block]
    allow: bool
    reason_vi: str
    reason_en: str
    types: frozenset[str] = frozenset()
    priorities: frozenset[Priority] = frozenset()

    def fits(
        self, sender: Endpoint, recipient: Endpoint, *, document_type: str, priority: Priority
    ) -> bool:
        """Tell whether this rule decides about such a document."""
        return (
            sender.block in self.senders
            and recipient.block in self.recipients
            and (not self.types or _folded(document_type) in self.types)
            and (not self.priorities or priority in self.priorities)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteDecision:
    """Whether a document may go, the rule that decided, and its reason in two languages."""

    allowed: bool
    rule: str
    reason_vi: str
    reason_en: str


_NO_RULE = RouteDecision(
    allowed=False,
    rule="default-deny",
    reason_vi="Không có quy tắc nào cho phép gửi văn bản này.",
    reason_en="No rule allows this document to be sent.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingTable:
    """The rules in their order, with the version of the file that they came from."""

    version: str
    rules: tuple[Rule, ...]
    secrecy_words: tuple[str, ...]

    def decide(
        self,
        sender: Endpoint,
        recipient: Endpoint,
        *,
        document_type: str,
        priority: Priority = Priority.NORMAL,
    ) -> RouteDecision:
        """Give the first fitting rule's decision; `document_type` is the name of the type."""
        for rule in self.rules:
            if rule.fits(sender, recipient, document_type=document_type, priority=priority):
                return RouteDecision(
                    allowed=rule.allow,
                    rule=rule.rule_id,
                    reason_vi=rule.reason_vi,
                    reason_en=rule.reason_en,
                )
        return _NO_RULE

    def refuse_classified(self, envelope: Envelope, *, labels: Iterable[str] = ()) -> None:
        """Refuse a document that bears a word of secrecy (độ mật).

        edXML has no field for secrecy, so the word is looked for where a label would stand:
        anywhere in the type, the circulation and `labels` (texts of elements that the reader has
        no name for), and as a stamp (alone, in brackets, before a colon or dash) in free text. A
        subject about the protection of state secrets (bí mật nhà nước) is no secret.

        Raises:
            ClassifiedContentRefused: naming the field, never its text.

        """
        for field, text in _labels(envelope, labels):
            if self._label.search(_normal(text)):
                raise ClassifiedContentRefused(field)
        for field, text in _free_texts(envelope):
            if self._stamp.search(_normal(text)):
                raise ClassifiedContentRefused(field)

    @property
    def _label(self) -> re.Pattern[str]:
        before = "".join(f"(?<!{word})" for word in _NO_LABEL)
        return re.compile(rf"(?<!\w){before}(?:{self._words})(?!\w)", re.IGNORECASE)

    @property
    def _stamp(self) -> re.Pattern[str]:
        words = self._words
        compounds = "|".join(re.escape(w.upper()) for w in self.secrecy_words if " " in w)
        capitals = rf"|(?-i:(?<!\w)(?:{compounds})(?!\w))" if compounds else ""
        return re.compile(
            rf"^\W*(?:{words})\W*$|[(\[]\s*(?:{words})\s*[)\]]|^\W*(?:{words})\s*[:.\-–—]{capitals}",
            re.IGNORECASE,
        )

    @property
    def _words(self) -> str:
        return "|".join(re.escape(_normal(word)) for word in self.secrecy_words)


def load_routing_table(path: Path = DEFAULT_ROUTING_FILE) -> RoutingTable:
    """Read a routing table from a TOML file.

    Raises:
        SettingInvalid: the file can't be read, or says something that is no rule.

    """
    try:
        return parse_routing_table(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(f"routing table {path.name}: can't be read") from error


def parse_routing_table(text: str) -> RoutingTable:
    """Read a routing table from the text of a TOML file.

    Raises:
        SettingInvalid: the text is no TOML, or says something that is no rule.

    """
    try:
        data = tomllib.loads(text)
        rules = tuple(_rule(entry) for entry in data["rules"])
        words = tuple(str(word) for word in data["secrecy_words"])
        table = RoutingTable(version=str(data["version"]), rules=rules, secrecy_words=words)
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError) as error:
        raise SettingInvalid(f"routing table: {error}") from error
    if len({rule.rule_id for rule in rules}) < len(rules):
        raise SettingInvalid("routing table: two rules have the same id")
    if not words or not all(word.strip() for word in words):
        # An empty word would match everything, no word nothing.
        raise SettingInvalid("routing table: secrecy_words must not be empty")
    return table


def _rule(entry: Mapping[str, Any]) -> Rule:
    known = {"id", "from", "to", "allow", "reason_vi", "reason_en", "types", "priorities"}
    if unknown := entry.keys() - known:
        raise ValueError(f"unknown key {min(unknown)}")
    if not isinstance(entry["allow"], bool):
        raise TypeError("allow must be true or false")
    return Rule(
        rule_id=str(entry["id"]),
        senders=frozenset(Block(block) for block in entry["from"]),
        recipients=frozenset(Block(block) for block in entry["to"]),
        allow=entry["allow"],
        reason_vi=str(entry["reason_vi"]),
        reason_en=str(entry["reason_en"]),
        types=frozenset(_folded(name) for name in entry.get("types", ())),
        priorities=frozenset(Priority[name] for name in entry.get("priorities", ())),
    )


def _labels(envelope: Envelope, labels: Iterable[str]) -> Iterable[tuple[str, str]]:
    yield "DocumentType/TypeName", envelope.document_type.name
    yield "OtherInfo/SphereOfPromulgation", envelope.other.sphere
    yield from (("label", label) for label in labels)


def _free_texts(envelope: Envelope) -> Iterable[tuple[str, str]]:
    yield "Subject", envelope.subject
    yield "Content", envelope.content
    yield "Bussiness/BussinessDocReason", envelope.business.reason
    yield from (("ToPlaces/Place", place) for place in envelope.places)
    yield from (("OtherInfo/Appendixes", title) for title in envelope.other.appendixes)
    for attachment in envelope.attachments:
        yield "Attachment/Description", attachment.description
        yield "Attachment/AttachmentName", attachment.file_name


def _normal(text: str) -> str:
    """Compose letters and their marks, which some systems send apart, and join blanks."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _folded(text: str) -> str:
    return _normal(text).casefold()
