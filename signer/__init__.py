"""Sign PDF documents (PAdES), judge the signatures of others, and say why.

The names below are the package's front door. Each is loaded when it is first used, so that a
command that only signs, or only asks a sandbox, does not pay for the rest.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from signer.appearance import Appearance, Box
    from signer.assessing import assess, require_valid, verify
    from signer.document import admit
    from signer.evidence_gathering import assess_with_evidence
    from signer.extending import extend
    from signer.limits import DocumentLimits
    from signer.report import Report, SignatureReport
    from signer.requests import FieldLock, Level, LockAction, Permission, SigningRequest
    from signer.sandbox import Sandbox
    from signer.sandbox_process import SandboxLimits
    from signer.signing import sign, sign_tail
    from signer.source import Source
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
    "Appearance": "appearance",
    "Box": "appearance",
    "Changes": "verdicts",
    "DocumentLimits": "limits",
    "FieldLock": "requests",
    "Indication": "verdicts",
    "Integrity": "verdicts",
    "Level": "requests",
    "LockAction": "requests",
    "Permission": "requests",
    "Report": "report",
    "Sandbox": "sandbox",
    "SandboxLimits": "sandbox_process",
    "SignatureKind": "verdicts",
    "SignatureReport": "report",
    "SigningRequest": "requests",
    "Source": "source",
    "Verdict": "verdicts",
    "admit": "document",
    "assess": "assessing",
    "assess_with_evidence": "evidence_gathering",
    "extend": "extending",
    "require_valid": "assessing",
    "sign": "signing",
    "sign_tail": "signing",
    "verify": "assessing",
}


def __getattr__(name: str) -> object:
    """Load a name of the front door (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'signer' has no attribute {name!r}")
    return getattr(importlib.import_module(f"signer.{home}"), name)
