"""Preparing documents: empty fields for number, date, leaders and seal, before anyone signs."""

from exchange.services import Services
from exchange.working_copies import KeptDocument, WorkingCopy, keep_with
from signer.office.field_places import FieldPlaces
from signer.sandbox.guarded_preparation import prepare_fields_guarded


async def prepare_fields(
    services: Services,
    copy: WorkingCopy,
    *,
    places: FieldPlaces | None,
    leaders: tuple[str, ...],
) -> KeptDocument:
    """Add the fields, at places given or found by the page's text, and keep the result.

    Raises:
        DocumentRefused, SigningRefused: it can't be prepared, or not any more.

    """
    tail = await prepare_fields_guarded(
        copy.source,
        path=copy.path,
        sandbox=services.sandbox,
        places=places,
        leaders=leaders,
    )
    return await keep_with(services, copy, tail=tail)
