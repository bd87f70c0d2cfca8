"""Giving a kept report in another form: with page pictures where its document is kept as well."""

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from exchange.inspection.composing import Circumstances
from exchange.inspection.inspecting import Form, inspect, render
from exchange.report_material import read_material
from exchange.reports import KeptReport
from exchange.services import Services
from exchange.working_copies import copy_of_object
from signer.report import Report
from storage.errors import StorageError
from storage.ports import Digest


async def rendered(services: Services, kept: KeptReport, *, form: Form, max_bytes: int) -> bytes:
    """Render a kept report; without pictures where with them it has more than `max_bytes`.

    Whoever may see a report had the document: he brought it, sent it, or received it.
    """
    material = await read_material(services.objects, kept.material)
    report = replace(kept.report, material=material)
    beside = Circumstances(asked=kept.asked)
    async with AsyncExitStack() as stack:
        document = await _document(services, report, stack=stack)
        if document is not None:
            made = await _rendered(services, report, form=form, document=document, beside=beside)
            if len(made) <= max_bytes:
                return made
            beside = replace(beside, without_pictures="too_large")
    return await _rendered(services, report, form=form, document=None, beside=beside)


async def _rendered(
    services: Services,
    report: Report,
    *,
    form: Form,
    document: bytes | Path | None,
    beside: Circumstances,
) -> bytes:
    sandbox = services.sandbox
    inspection = await inspect(report, sandbox=sandbox, document=document, beside=beside)
    return await render(inspection, form, sandbox=sandbox)


async def _document(
    services: Services, report: Report, *, stack: AsyncExitStack
) -> bytes | Path | None:
    """Give the document where the object store has it; a sheet without pictures says so."""
    try:
        copy = await stack.enter_async_context(copy_of_object(services, Digest(report.sha256)))
    except StorageError:
        return None
    return copy.for_sandbox()
