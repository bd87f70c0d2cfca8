"""The signature rate on the wire. Pure."""

from datetime import datetime

from congvan.v1 import common_pb2, compliance_pb2, verification_pb2
from exchange.compliance.counting import RateCount, RateException, RateReport
from exchange.compliance.periods import Period
from exchange.compliance.rate_definitions import RateDefinition
from exchange.texts import sentence
from exchange.wire.values import calendar_date, read_date, timestamp, to_wire


def read_period(message: compliance_pb2.Period) -> Period:
    """Read a period; raises ArgumentInvalid for days that are none or in the wrong order."""
    return Period(
        first_day=read_date(message.first_day, "period.first_day"),
        last_day=read_date(message.last_day, "period.last_day"),
    )


def write_rate(report: RateReport, *, at: datetime) -> compliance_pb2.SignatureRateReport:
    """Show the rate of a period with its definition, parts, readings and exclusions."""
    exclusions = {each.exclusion_id: each for each in report.definition.exclusions}
    return compliance_pb2.SignatureRateReport(
        definition=write_definition(report.definition),
        period=compliance_pb2.Period(
            first_day=calendar_date(report.period.first_day),
            last_day=calendar_date(report.period.last_day),
        ),
        total=_count(report.total),
        blocks=[
            compliance_pb2.BlockRate(
                block=common_pb2.Block.ValueType(to_wire(each.block, common_pb2.Block)),
                count=_count(each.count),
            )
            for each in report.blocks
        ],
        readings=[
            compliance_pb2.ReadingRate(
                id=each.reading.reading_id,
                name_vi=each.reading.vi,
                name_en=each.reading.en,
                count=_count(each.count),
            )
            for each in report.readings
        ],
        exclusions=[
            compliance_pb2.ExcludedCount(
                id=each.exclusion_id,
                name_vi=exclusions[each.exclusion_id].vi,
                name_en=exclusions[each.exclusion_id].en,
                documents=each.documents,
            )
            for each in report.excluded
        ],
        exception_count=len(report.exceptions),
        counted_at=timestamp(at),
    )


def write_definition(definition: RateDefinition) -> compliance_pb2.RateDefinition:
    """Show which definition a figure follows."""
    return compliance_pb2.RateDefinition(
        id=definition.definition_id,
        version=definition.version,
        title_vi=definition.title_vi,
        title_en=definition.title_en,
        legal_basis_vi=definition.legal_basis_vi,
        legal_basis_en=definition.legal_basis_en,
    )


def write_exception(found: RateException, *, subject: str) -> compliance_pb2.RateException:
    """Show a document that counts against the rate: what it lacks, and the verdict's own reason."""
    fact = found.fact
    # The verdict's reason is the more precise one where there is one (broken, revoked …).
    reason = fact.reason or found.reason.value
    return compliance_pb2.RateException(
        message=f"messages/{fact.message_id}",
        document_id=fact.document_id,
        sender=fact.sender,
        block=common_pb2.Block.ValueType(to_wire(fact.block, common_pb2.Block)),
        subject=subject,
        issued_on=calendar_date(fact.issued_on),
        verdict=verification_pb2.DocumentVerdict.Value(f"DOCUMENT_VERDICT_{fact.verdict.value}"),
        reason=reason,
        sentence_vi=sentence(reason, "vi"),
        sentence_en=sentence(reason, "en"),
    )


def _count(count: RateCount) -> compliance_pb2.RateCount:
    return compliance_pb2.RateCount(
        numerator=count.numerator, denominator=count.denominator, rate=count.rate
    )
