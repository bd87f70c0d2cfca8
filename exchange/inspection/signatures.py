"""One signature on the verification sheet: who, when, what was found, what it rests on (pure)."""

from __future__ import annotations

from typing import Final

from certs.identity import IdentityKind, SignerIdentity
from exchange.inspection.sheet import Conclusion, Row, SheetSignature, Table
from exchange.inspection.words import (
    Code,
    Value,
    Words,
    clean,
    happened,
    instant,
    program_words,
    said,
    to_do,
    words,
)
from exchange.signing_for import NOT_ASKED, Asked, SignedFor
from exchange.texts import LANGUAGES, sheet_text
from signer.report import CertificateReport, EvidenceReport, SignatureReport
from signer.verdicts import Indication, SignatureKind, Verdict

VERDICTS: Final = {
    Indication.TOTAL_PASSED: Verdict.VALID,
    Indication.TOTAL_FAILED: Verdict.INVALID,
    Indication.INDETERMINATE: Verdict.INDETERMINATE,
}


def sheet_signature(
    entry: SignatureReport, *, number: int, asked: Asked = NOT_ASKED
) -> SheetSignature:
    """Say everything about one signature; number: its place on the sheet, from 1 on."""
    whose = asked.of(number - 1)
    signed_for = (
        [_row("sig.signed_for", signed_for_words(whose, asked.on_behalf_of))] if whose else []
    )
    return SheetSignature(
        number=number,
        heading=words(f"kind.{entry.kind}"),
        who=said(entry.signer.common_name) if entry.signer else words("sig.nobody"),
        conclusion=_conclusion(entry),
        rows=(
            *_who_rows(entry),
            *signed_for,
            *_time_rows(entry),
            *_finding_rows(entry),
            *_code_rows(entry),
        ),
        certificates=_certificates(entry.chain),
        evidence=_evidence(entry.evidence),
        leniencies=tuple((_leniency(str(each)), Code(text=each)) for each in entry.leniencies),
    )


def signed_for_words(found: SignedFor, code: str) -> Words:
    """Say whether a signature, or a document's, is the endpoint's, and what to do where not."""
    return program_words(f"signed_for.{found}", code=clean(code))


def _conclusion(entry: SignatureReport) -> Conclusion:
    verdict = VERDICTS[entry.indication]
    if not entry.reason:
        stamp = entry.kind is SignatureKind.DOC_TIMESTAMP
        passed = words("passed.DOC_TIMESTAMP" if stamp else "passed")
        sentence = passed if verdict is Verdict.VALID else happened(str(verdict))
        action = words("do.PASSED") if verdict is Verdict.VALID else to_do(str(verdict))
    else:
        sentence, action = happened(entry.reason), to_do(entry.reason)
    return Conclusion(
        verdict=verdict,
        words=words(f"result.{entry.indication}"),
        sentence=sentence,
        what_to_do=action,
        reason=entry.reason,
        detail=entry.detail if entry.reason else "",
    )


def _who_rows(entry: SignatureReport) -> list[Row]:
    signer = entry.signer
    if signer is None:
        return [_row(_role(entry), words("sig.nobody"))]
    rows = [_row(_role(entry), said(signer.common_name))]
    organisation = "" if signer.organisation == signer.common_name else signer.organisation
    for key, text in (
        ("position", signer.position),
        ("organisation", organisation),
        ("unit", signer.unit),
        ("identifier", _identifier(signer)),
        ("country", signer.country),
    ):
        if text:
            rows.append(_row(f"sig.{key}", said(text)))
    return rows


def _role(entry: SignatureReport) -> str:
    if entry.kind is SignatureKind.DOC_TIMESTAMP:
        return "sig.timestamper"
    organisation = entry.signer and entry.signer.kind is IdentityKind.ORGANISATION
    return "sig.organisation_itself" if organisation else "sig.person"


def _identifier(signer: SignerIdentity) -> str:
    numbers = (signer.organisation_identifier, signer.serial_number)
    return ", ".join(number for number in dict.fromkeys(numbers) if number)


def _time_rows(entry: SignatureReport) -> list[Row]:
    rows = []
    is_stamp = entry.kind is SignatureKind.DOC_TIMESTAMP
    if not is_stamp:
        claimed: Value = instant(entry.signed_at) if entry.signed_at else words("sig.no_time")
        rows.append(_row("sig.claimed", claimed))
    if entry.timestamp_at:
        rows.append(_row("sig.stamped", instant(entry.timestamp_at)))
    elif not is_stamp:
        rows.append(_row("sig.stamped", words("sig.not_stamped")))
    if entry.proved_at and entry.proved_at != entry.timestamp_at:
        rows.append(_row("sig.proved", instant(entry.proved_at)))
    return rows


def _finding_rows(entry: SignatureReport) -> list[Row]:
    rows = [
        _row("sig.integrity", words(f"integrity.{entry.integrity}")),
        _row("sig.changes", words(f"changes.{entry.changes}")),
    ]
    if entry.covers_whole_document:
        rows.append(_row("sig.covers", words("sig.covers_all")))
    elif entry.revision is not None:
        rows.append(_row("sig.covers", words("sig.covers_revision", revision=entry.revision)))
    if entry.kind is not SignatureKind.DOC_TIMESTAMP:
        rows.append(_row("sig.level", words(f"level.{entry.level}")))
    if entry.anchor_class:
        rows.append(_row("sig.authority", _class_of_authority(entry.anchor_class)))
    if entry.practice:
        rows.append(_row("sig.practice", words("sig.practice_value")))
    return rows


def _class_of_authority(name: str) -> Value:
    try:
        return words(f"class.{name}")
    except KeyError:  # of a newer service: its code is better than no word
        return Code(text=clean(name))


def _code_rows(entry: SignatureReport) -> list[Row]:
    codes = " / ".join(str(each) for each in (entry.indication, entry.sub_indication) if each)
    rows = [_row("sig.indication", Code(text=codes))]
    if entry.algorithm:
        rows.append(_row("sig.algorithm", Code(text=clean(entry.algorithm))))
    rows.append(_row("sig.field", said(entry.field)))
    if entry.certificate_sha256:
        rows.append(_row("sig.certificate", Code(text=entry.certificate_sha256)))
    return rows


def _row(key: str, *values: Value) -> Row:
    return Row(label=words(key), values=values)


def _certificates(chain: tuple[CertificateReport, ...]) -> Table:
    return Table(
        caption=words("section.certificates"),
        head=tuple(words(f"head.{each}") for each in ("subject", "issuer", "valid", "digest")),
        rows=tuple(
            (
                (said(each.subject), *((words("sig.anchor"),) if each.is_anchor else ())),
                (said(each.issuer),),
                (instant(each.not_before), instant(each.not_after)),
                (Code(text=each.sha256), Code(text=f"№ {each.serial}")),
            )
            for each in chain
        ),
        empty=words("sig.no_chain"),
    )


def _evidence(evidence: tuple[EvidenceReport, ...]) -> Table:
    names = ("evidence", "produced", "next_update", "digest")
    return Table(
        caption=words("section.evidence"),
        head=tuple(words(f"head.{each}") for each in names),
        rows=tuple(
            (
                (Code(text=clean(each.kind)),),
                (instant(each.produced_at) if each.produced_at else Code(text="–"),),
                (instant(each.next_update) if each.next_update else Code(text="–"),),
                (Code(text=each.sha256),),
            )
            for each in evidence
        ),
        empty=words("sig.no_evidence"),
    )


def _leniency(code: str) -> Words:
    try:
        vietnamese, english = (sheet_text(f"leniency.{code}", each) for each in LANGUAGES)
    except KeyError:
        return words("leniency.other")
    return Words(vi=vietnamese, en=english)
