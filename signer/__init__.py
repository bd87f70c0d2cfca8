"""Sign PDF documents (PAdES), judge the signatures of others, and say why.

The names below are the package's front door. Each is loaded when it is first used, so that a
command that only signs, or only asks a sandbox, does not pay for the rest.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from signer.augmentation.extending import extend
    from signer.creation.requests import FieldLock, Level, LockAction, Permission, SigningRequest
    from signer.creation.signing import sign, sign_tail
    from signer.document import admit
    from signer.limits import DocumentLimits
    from signer.pages.appearance import Appearance, Box
    from signer.report import Report, SignatureReport
    from signer.sandbox.pool import Sandbox
    from signer.sandbox.process import SandboxLimits
    from signer.source import Source
    from signer.validation.assessing import assess, require_valid, verify
    from signer.validation.evidence_gathering import assess_with_evidence
    from signer.verdicts import Changes, Indication, Integrity, SignatureKind, Verdict

__all__ = [
    "Appearance",
    "Box",
    "Changes",
    "DocumentLimits",
    "FieldLock",
    "Indication",
    "Integrity",
    "Level",
    "LockAction",
    "Permission",
    "Report",
    "Sandbox",
    "SandboxLimits",
    "SignatureKind",
    "SignatureReport",
    "SigningRequest",
    "Source",
    "Verdict",
    "admit",
    "assess",
    "assess_with_evidence",
    "extend",
    "require_valid",
    "sign",
    "sign_tail",
    "verify",
]

_HOMES: Final = {
    "Appearance": "pages.appearance",
    "Box": "pages.appearance",
    "Changes": "verdicts",
    "DocumentLimits": "limits",
    "FieldLock": "creation.requests",
    "Indication": "verdicts",
    "Integrity": "verdicts",
    "Level": "creation.requests",
    "LockAction": "creation.requests",
    "Permission": "creation.requests",
    "Report": "report",
    "Sandbox": "sandbox.pool",
    "SandboxLimits": "sandbox.process",
    "SignatureKind": "verdicts",
    "SignatureReport": "report",
    "SigningRequest": "creation.requests",
    "Source": "source",
    "Verdict": "verdicts",
    "admit": "document",
    "assess": "validation.assessing",
    "assess_with_evidence": "validation.evidence_gathering",
    "extend": "augmentation.extending",
    "require_valid": "validation.assessing",
    "sign": "creation.signing",
    "sign_tail": "creation.signing",
    "verify": "validation.assessing",
}


def __getattr__(name: str) -> object:
    """Load a name of the front door (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'signer' has no attribute {name!r}")
    return getattr(importlib.import_module(f"signer.{home}"), name)
