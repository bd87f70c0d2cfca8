"""Who takes part in the exchange: identifiers of bodies; endpoints with block, level, roles.

Pure: no I/O. Identifiers follow QCVN 102:2016 (old form, 13 characters) and QĐ 20/2020/QĐ-TTg (new
form, at most 35 characters); both are in use side by side and no rule converts one into the other
for certain, so an identifier is only ever compared as it is written.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from certs.trust.anchors import Block
from exchange.errors import ArgumentInvalid

OrganId = NewType("OrganId", str)
"""Identifier of a body (mã định danh), ≤ 35 characters: `H56.90`, `000.00.00.H56`."""

# SĐ1:2022 to QCVN 102 raised OrganId from 13 to 35 characters. The hyphen lies outside the
# alphabet of QĐ 20/2020 art. 4 but belongs to the tax codes of its art. 5; lower case occurs in
# systems in service.
_READABLE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.\-]{0,34}")
_OLD_FORM = re.compile(r"[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}")
_NEW_FORM = re.compile(r"(?=.{3,35}\Z)[A-Z][0-9]{2}(\.[0-9A-Z]+)*")
_ENTERPRISE = re.compile(r"[0-9]{10}(-[0-9]{3})?")
_WRITABLE = re.compile(r"(?=.{1,35}\Z)[0-9A-Z]+([.\-][0-9A-Z]+)*")
_MAX_TEXTS = 50
_TEXT_CHARACTERS = 500
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


def parse_organ_id(text: str) -> OrganId:
    """Read an identifier as other systems write it: trimmed, any of the forms in service.

    Raises:
        ArgumentInvalid: `text` is blank, `null`, too long, or holds characters of no known form.

    """
    trimmed = text.strip()
    if not _READABLE.fullmatch(trimmed) or trimmed.casefold() == "null":
        raise ArgumentInvalid("not an identifier of a body", field="organ_id")
    return OrganId(trimmed)


def is_old_form(organ_id: str) -> bool:
    """Tell whether this is `V1V2V3.Z1Z2.Y1Y2.MX1X2`, the 13 characters of QCVN 102:2016."""
    return _OLD_FORM.fullmatch(organ_id) is not None


def is_new_form(organ_id: str) -> bool:
    """Tell whether this has the form of QĐ 20/2020/QĐ-TTg art. 4: levels from left to right."""
    return _NEW_FORM.fullmatch(organ_id) is not None


def is_enterprise(organ_id: str) -> bool:
    """Tell whether this is an enterprise code (mã số doanh nghiệp), QĐ 20/2020/QĐ-TTg art. 5."""
    return _ENTERPRISE.fullmatch(organ_id) is not None


def is_writable(organ_id: str) -> bool:
    """Tell whether an edXML message of ours may carry this identifier: narrower than reading."""
    return _WRITABLE.fullmatch(organ_id) is not None


class AgencyLevel(StrEnum):
    """Level of administration (cấp hành chính); the district level ended on 1 July 2025."""

    PROVINCE = "PROVINCE"
    COMMUNE = "COMMUNE"


class EndpointRole(StrEnum):
    """What an endpoint may do (vai trò): exchange, keep the registry, audit, run the service."""

    ENDPOINT = "ENDPOINT"
    REGISTRAR = "REGISTRAR"
    AUDITOR = "AUDITOR"
    OPERATOR = "OPERATOR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A body that sends and receives (đầu mối liên thông), as the registry knows it.

    `certificates` are SHA-256 fingerprints (64 lower-case hexadecimal digits) of the certificates
    with which it may connect. `other_names` and `identifiers` are those that certificates for
    signing may bear: former and short names; GOVVN-…, VATVN-…, MST:…. It is valid from `valid_from`
    (inclusive) to `valid_until` (exclusive, None: open).
    """

    code: OrganId
    name: str
    block: Block
    level: AgencyLevel
    valid_from: datetime
    valid_until: datetime | None = None
    parent: OrganId | None = None
    email: str = ""
    other_names: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    roles: frozenset[EndpointRole] = frozenset({EndpointRole.ENDPOINT})

    def __post_init__(self) -> None:
        """Refuse an endpoint that no message could name or that is never valid."""
        if not is_writable(self.code):
            raise ArgumentInvalid("an identifier in upper case is needed", field="code")
        if not self.name.strip():
            raise ArgumentInvalid("a name is needed", field="name")
        if self.parent is not None and (self.parent == self.code or not is_writable(self.parent)):
            raise ArgumentInvalid("the code of another endpoint is needed", field="parent")
        _require_texts(self.other_names, field="other_names")
        _require_texts(self.identifiers, field="identifiers")
        _require_fingerprints(self.certificates)
        _require_period(self.valid_from, self.valid_until)

    def is_valid_at(self, at: datetime) -> bool:
        """Tell whether the endpoint takes part in the exchange at this instant."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)


def _require_texts(texts: tuple[str, ...], *, field: str) -> None:
    if len(texts) > _MAX_TEXTS or not all(
        each.strip() and len(each) <= _TEXT_CHARACTERS and each.isprintable() for each in texts
    ):
        raise ArgumentInvalid(f"at most {_MAX_TEXTS} lines of text are needed", field=field)


def _require_fingerprints(certificates: Iterable[str]) -> None:
    for fingerprint in certificates:
        if not _FINGERPRINT.fullmatch(fingerprint):
            raise ArgumentInvalid("64 lower-case hexadecimal digits needed", field="certificates")


def _require_period(valid_from: datetime, valid_until: datetime | None) -> None:
    if valid_from.tzinfo is None or (valid_until is not None and valid_until.tzinfo is None):
        raise ArgumentInvalid("an instant with its time zone is needed", field="valid_from")
    if valid_until is not None and valid_until <= valid_from:
        raise ArgumentInvalid("the end must come after the start", field="valid_until")
