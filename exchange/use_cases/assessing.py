"""Assessing a document for callers and for the gate: as it was before, while that holds."""

import asyncio
from dataclasses import replace

from exchange import registry
from exchange.assessments import Assessment, find_assessment, holds_until, judged_under
from exchange.grown_documents import SignedPart, signed_parts
from exchange.report_material import put_material
from exchange.services import Services
from exchange.signing_for import signature_for
from exchange.working_copies import WorkingCopy
from signer import assess_with_evidence
from signer.policy.values import DocumentKind, VerificationPolicy
from signer.report import Report


async def assess_copy(
    services: Services, copy: WorkingCopy, *, policy: VerificationPolicy | None = None
) -> Assessment:
    """Assess the document at present, or give the assessment again that still holds.

    policy: the service's own by default, perhaps asked for a block and a kind of document.
    """
    now, policy = services.clock(), policy or services.assessing.policy
    under = judged_under(trust_version=services.trust.version, policy=policy.question)
    reuse_for = services.assessing.reuse_for
    if reuse_for:
        async with services.database.reading() as connection:
            kept = await find_assessment(connection, copy.digest, under=under, at=now)
        if kept is not None:
            return replace(kept, parts=await _parts(copy, kept.report))
    report = await assess_with_evidence(
        copy.for_sandbox(),
        sandbox=services.sandbox,
        store=services.trust,
        fetcher=services.fetcher,
        at=now,
        policy=policy,
    )
    until = holds_until(report, reuse_for=reuse_for, policy=policy) if reuse_for else None
    return Assessment(
        report=report,
        under=under,
        holds_until=until,
        parts=await _parts(copy, report),
        material=await put_material(services.database, services.objects, material=report.material),
    )


async def assess_for(
    services: Services, copy: WorkingCopy, *, code: str, kind: DocumentKind | None = None
) -> Assessment:
    """Assess a document that should be the endpoint's: by its block, and whose signatures they are.

    code: of an endpoint, perhaps one that is not registered.
    """
    async with services.database.reading() as connection:
        registered = await registry.find_endpoint(connection, code)
        directory = await services.directory.read(connection)
    policy = services.assessing.policy
    if registered is not None:
        policy = policy.for_block(registered.endpoint.block)
    if kind is not None:
        policy = policy.for_kind(kind)
    assessment = await assess_copy(services, copy, policy=policy)
    signatures = assessment.report.signatures
    return replace(
        assessment,
        on_behalf_of=code,
        signed_for=tuple(signature_for(each, directory, code=code) for each in signatures),
    )


async def _parts(copy: WorkingCopy, report: Report) -> tuple[SignedPart, ...]:
    if copy.path is None:
        return signed_parts(copy.source, report)
    return await asyncio.to_thread(signed_parts, copy.source, report)
