"""Augmenting signatures (B-T to B-LT to B-LTA, renewal): work that takes long, as an operation."""

from uuid import uuid4

from exchange.agency import Endpoint
from exchange.errors import ArgumentInvalid
from exchange.operations import Work
from exchange.services import Services
from exchange.use_cases.signing import SignedDocument
from exchange.working_copies import WorkingCopy, copy_of_kept, keep_with
from signer import Level
from signer.augmentation.extending import extend
from signer.document import admit_source
from signer.errors import TimestamperMissing
from signer.sandbox.guarded_extending import require_bounded

AUGMENT = "AugmentSignature"


def plan_augmenting(
    services: Services, caller: Endpoint, *, copy: WorkingCopy, level: Level
) -> Work:
    """Make the work that will augment a document; refuses at once what can't come to anything.

    Raises:
        ArgumentInvalid: no level above B-B.
        TimestamperMissing: no time-stamping authority is set.
        DocumentRefused: not a whole PDF within the limits.

    """
    if not level.timestamped:
        raise ArgumentInvalid("B-T, B-LT or B-LTA", field="level")
    if services.patient_timestamper is None:
        raise TimestamperMissing(level)
    admit_source(copy.source)
    operation_id = uuid4()
    return Work(
        operation_id=operation_id,
        claim=operation_id,
        caller=caller.code,
        method=AUGMENT,
        task={"level": level.value},
        document_digest=copy.digest,
        document=None,
        attempts=0,
    )


async def augment(services: Services, work: Work) -> SignedDocument:
    """Augment all signatures of the work's document to its level, and keep the result.

    Raises:
        SignatureInvalid, SignatureUndetermined, SignatureMissing: there is nothing to augment.
        TsaUnavailable, FetchUnavailable, RevocationUnknown: try again later.
        SandboxLimitExceeded: it costs too much to be judged again and again.

    """
    timestamper = services.patient_timestamper
    if timestamper is None:
        raise TimestamperMissing(work.task["level"])
    async with copy_of_kept(services, work.document_digest, content=work.document) as copy:
        await require_bounded(
            copy.source, path=copy.path, sandbox=services.sandbox, at=services.clock()
        )
        tail = await extend(
            copy.source,
            level=Level(work.task["level"]),
            timestamper=timestamper,
            checker=services.checker,
            at=services.clock(),
        )
        kept = await keep_with(services, copy, tail=tail)
    return SignedDocument(
        blob=kept.blob, content=kept.content, field_name="", signed_at=services.clock()
    )
