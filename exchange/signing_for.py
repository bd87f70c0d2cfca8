"""Who signed for whom: a certificate's person or body against the registry's endpoints. Pure.

Names are compared as whole names. What counts as equal is the way of writing them (Unicode form,
case, spaces, where a tone mark stands); nothing is abbreviated, guessed or taken for nearly equal.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from certs.identity import IdentityKind, SignerIdentity
from exchange.agency import OrganId, is_enterprise, is_new_form, is_old_form
from signer.report import Indication, Report, SignatureKind, SignatureReport


class SignedFor(StrEnum):
    """Whether a signature is an endpoint's, as its certificate and the registry say."""

    MATCHES = "MATCHES"
    """đúng cơ quan: the body's own seal, or a person of this body"""
    SUPERIOR = "SUPERIOR"
    """người của cơ quan cấp trên: a person of the body above, whose documents it sends"""
    PREDECESSOR = "PREDECESSOR"
    """cơ quan tiền thân: a body that this one took over from"""
    SUCCESSOR = "SUCCESSOR"
    """cơ quan kế thừa: the body that took over"""
    NOT_STATED = "NOT_STATED"
    """chứng thư không nêu cơ quan: the certificate names no body"""
    NAME_NOT_UNIQUE = "NAME_NOT_UNIQUE"
    """trùng tên: several endpoints bear this name, and no identifier tells them apart"""
    OTHER_ORGANISATION = "OTHER_ORGANISATION"
    """cơ quan khác: another body, or a person of another"""
    UNKNOWN_ENDPOINT = "UNKNOWN_ENDPOINT"
    """không có trong danh bạ: the endpoint is not registered"""
    NOT_PROVED = "NOT_PROVED"
    """chưa chứng minh được: the signature is not valid, so that its certificate proves nothing"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """An endpoint as far as signatures can belong to it.

    names: as registered and others that certificates may bear. identifiers: those in certificates
    (GOVVN-…, VATVN-…, MST:…); its code counts as one of them.
    """

    code: OrganId
    names: tuple[str, ...]
    identifiers: tuple[str, ...] = ()
    parent: OrganId | None = None
    successor: OrganId | None = None

    @property
    def name_keys(self) -> frozenset[str]:
        """Its names in the form in which names are compared."""
        return frozenset(name_key(name) for name in self.names)

    @property
    def identifier_keys(self) -> frozenset[tuple[str, str]]:
        """Its identifiers in the form in which they are compared."""
        return frozenset(identifier_key(each) for each in (self.code, *self.identifiers))


class Directory:
    """All bodies of the registry, closed ones too, and what a certificate says of one of them."""

    def __init__(self, bodies: Iterable[Body]) -> None:
        """Keep the bodies by code and by name."""
        self._bodies = {body.code: body for body in bodies}
        self._by_name: dict[str, set[OrganId]] = {}
        self._by_identifier: dict[tuple[str, str], set[OrganId]] = {}
        for body in self._bodies.values():
            for name in body.name_keys:
                self._by_name.setdefault(name, set()).add(body.code)
            for identifier in body.identifier_keys:
                self._by_identifier.setdefault(identifier, set()).add(body.code)

    def signed_for(self, signer: SignerIdentity | None, code: str) -> SignedFor:
        """Tell whether a certificate's person or body belongs to the endpoint."""
        body = self._bodies.get(OrganId(code))
        if body is None:
            return SignedFor.UNKNOWN_ENDPOINT
        if signer is None:
            return SignedFor.NOT_STATED
        if signer.kind is IdentityKind.ORGANISATION:
            return self._sealed_for(signer, body)
        return self._person_of(signer, body)

    def _sealed_for(self, signer: SignerIdentity, body: Body) -> SignedFor:
        stated = {identifier_key(each) for each in _identifiers(signer)}
        owners = {code for each in stated for code in self._by_identifier.get(each, ())}
        if owners:
            found = self._named(owners, body)
            # One identifier is one body's: where two claim it, it tells them not apart.
            return _OTHER if found is SignedFor.NAME_NOT_UNIQUE else found
        if {scheme for scheme, _ in stated} & {scheme for scheme, _ in body.identifier_keys}:
            return _OTHER
        above = name_key(signer.organisation)
        own_name = name_key(signer.common_name)
        if above not in ("", own_name):
            # A body's name below another's: the other must be the one that is above it.
            named = self._children(above, own_name)
        else:
            named = self._by_name.get(own_name, set())
        return self._named(named, body)

    def _person_of(self, signer: SignerIdentity, body: Body) -> SignedFor:
        organisation, unit = name_key(signer.organisation), name_key(signer.unit)
        if not organisation:
            return SignedFor.NOT_STATED
        if unit in self._by_name:
            # The unit is a body of the registry: the person is that one's, not its superior's.
            return self._named(self._children(organisation, unit), body)
        outcome = self._named(self._by_name.get(organisation, set()), body)
        above = self._bodies.get(body.parent) if body.parent is not None else None
        if outcome is not _OTHER or above is None or unit:
            return outcome
        of_above = self._named(self._by_name.get(organisation, set()), above)
        return SignedFor.SUPERIOR if of_above is SignedFor.MATCHES else outcome

    def _children(self, above: str, name: str) -> set[OrganId]:
        """Give the bodies of this name whose parent bears the name above."""
        superiors = self._by_name.get(above, set())
        return {
            code for code in self._by_name.get(name, ()) if self._bodies[code].parent in superiors
        }

    def _named(self, found: set[OrganId], body: Body) -> SignedFor:
        """Relate the bodies that a certificate may mean to this one."""
        earlier = {code for code in found if self._succeeds(body.code, code)}
        later = {code for code in found if self._succeeds(code, body.code)}
        if body.code in found:
            strangers = found - earlier - later - {body.code}
            return SignedFor.NAME_NOT_UNIQUE if strangers else SignedFor.MATCHES
        if found and found == earlier:
            return SignedFor.PREDECESSOR
        return SignedFor.SUCCESSOR if found and found == later else _OTHER

    def _succeeds(self, later: OrganId, earlier: OrganId) -> bool:
        """Tell whether one body took over from another, perhaps with others between them."""
        seen: set[OrganId] = set()
        at: OrganId | None = earlier
        while at is not None and at not in seen:
            seen.add(at)
            known = self._bodies.get(at)
            at = known.successor if known is not None else None
            if at == later:
                return True
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose signatures a report's should be, and for each whether it is; empty where nobody asked.

    on_behalf_of: the endpoint's code. outcomes: in the report's order, None for a time-stamp.
    """

    on_behalf_of: str = ""
    outcomes: tuple[SignedFor | None, ...] = ()

    def of(self, place: int) -> SignedFor | None:
        """Give the outcome for the signature at that place of the report."""
        return self.outcomes[place] if place < len(self.outcomes) else None


NOT_ASKED: Final = Asked()


def report_json(report: Report, asked: Asked = NOT_ASKED) -> dict[str, Any]:
    """Give a report's JSON with whose signatures they are, where that was asked."""
    told = report.to_json()
    if asked.on_behalf_of:
        told["on_behalf_of"] = asked.on_behalf_of
        told["signed_for"] = document_for(report, asked.outcomes)
        for place, entry in enumerate(told["signatures"]):
            entry["signed_for"] = asked.of(place)
    return told


_OTHER: Final = SignedFor.OTHER_ORGANISATION
_BEST_FIRST: Final = (
    SignedFor.MATCHES,
    SignedFor.SUPERIOR,
    SignedFor.PREDECESSOR,
    SignedFor.SUCCESSOR,
    SignedFor.NAME_NOT_UNIQUE,
    SignedFor.NOT_STATED,
    SignedFor.OTHER_ORGANISATION,
    SignedFor.UNKNOWN_ENDPOINT,
    SignedFor.NOT_PROVED,
)


def signature_for(entry: SignatureReport, directory: Directory, *, code: str) -> SignedFor | None:
    """Tell whether one signature of a report is the endpoint's; None for a time-stamp."""
    if entry.kind is SignatureKind.DOC_TIMESTAMP:
        return None
    if entry.indication is not Indication.TOTAL_PASSED:
        return SignedFor.NOT_PROVED
    return directory.signed_for(entry.signer, code)


def document_for(report: Report, outcomes: Sequence[SignedFor | None]) -> SignedFor | None:
    """Tell whether a document is the endpoint's: by its seals, without a seal by its persons.

    The best of several counts, since several bodies may seal one document (văn bản liên tịch).
    """
    paired = list(zip(report.signatures, outcomes, strict=True))
    seals = [found for entry, found in paired if found and entry.kind is SignatureKind.SEAL]
    persons = [found for _, found in paired if found]
    return min(seals or persons, key=_BEST_FIRST.index, default=None)


_TONED: Final = re.compile(r"([ou])([àáảãạèéẻẽẹỳýỷỹỵ])(?!\w)")
"""Open syllables with the tone on the second vowel; schools and keyboards use both places."""


@lru_cache(maxsize=8192)
def name_key(name: str) -> str:
    """Give a name in the form in which names are compared.

    NFC, without case, with single spaces, and with the tone mark of open syllables in oa, oe and uy
    on the first vowel: "Uỷ ban" and "Ủy ban" are one word, spelled in two ways.
    """
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    return " ".join(_TONED.sub(_tone_first, folded).split())


def _tone_first(match: re.Match[str]) -> str:
    first, second = match.groups()
    parts = unicodedata.normalize("NFD", second)
    plain, tone = parts[0], parts[1:]
    if first + plain not in ("oa", "oe", "uy"):
        return match.group()
    return unicodedata.normalize("NFC", first + tone) + plain


_SCHEME: Final = re.compile(r"(?P<scheme>[A-Z]{3})VN-(?P<value>.+)|MST[:-](?P<tax>.+)")


@lru_cache(maxsize=8192)
def identifier_key(identifier: str) -> tuple[str, str]:
    """Give an identifier as its scheme and value: only those of one scheme can be compared.

    EN 319 412-1 §5.1.4 writes three letters, the country and a hyphen before it; Vietnamese
    authorities write MST: before tax codes. An enterprise's code is its tax code.
    """
    text = "".join(unicodedata.normalize("NFC", identifier).upper().split())
    match = _SCHEME.fullmatch(text)
    value = text if match is None else match["tax"] or match["value"]
    if (match is not None and (match["tax"] or match["scheme"] == "VAT")) or is_enterprise(value):
        return "TAX", value
    if is_old_form(value):
        return "QCVN 102:2016", value
    if is_new_form(value):
        return "QĐ 20/2020", value
    return (match["scheme"] or "") if match is not None else "", value


def _identifiers(signer: SignerIdentity) -> tuple[str, ...]:
    stated = (signer.organisation_identifier, signer.serial_number)
    return tuple(each for each in stated if each)
