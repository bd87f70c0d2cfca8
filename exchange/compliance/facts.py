"""What the signature rate counts: one fact for each document that was sent. Pure."""

import datetime as dt
from dataclasses import dataclass

from certs.trust.anchors import Block
from exchange.agency import AgencyLevel, OrganId
from signer.policy.values import DocumentKind
from signer.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFact:
    """One document as it was when it was sent, with the gate's verdict.

    `leader_signed` and `seal_signed` tell of valid signatures only. `reason` is the verdict's.
    `issued_on` is the date of issue in Vietnam, by which documents fall into periods.
    """

    message_id: str
    document_id: str
    sender: OrganId
    block: Block
    level: AgencyLevel
    issued_on: dt.date
    type_name: str
    verdict: Verdict
    leader_signed: bool
    seal_signed: bool
    kind: DocumentKind = DocumentKind.ORIGINAL
    reason: str = ""
