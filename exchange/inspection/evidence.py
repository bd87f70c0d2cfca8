"""The evidence as a ZIP file: certificates, OCSP, CRLs, the report in its forms, a list (pure)."""

from __future__ import annotations

import hashlib
import json
import zipfile
from datetime import datetime
from io import BytesIO
from typing import Any, Final

from exchange.inspection.words import clean, words
from exchange.vietnam_time import VIETNAM_TIME
from signer.report import Report

MANIFEST: Final = "manifest.json"
READ_ME: Final = "DOC-TRUOC.txt"
DOCUMENT: Final = "document.pdf"
_FOLDERS: Final = {"OCSP": ("ocsp", "ors"), "CRL": ("crls", "crl")}
_EARLIEST_YEAR: Final = 1980
"""ZIP knows no earlier one."""
_REGULAR_FILE: Final = 0o100644 << 16


def evidence_archive(
    report: Report,
    *,
    renderings: dict[str, bytes],
    document: bytes | None = None,
    file_name: str = "",
) -> bytes:
    """Put together all that a later judge needs; the same bytes for the same evidence.

    renderings: forms of the report by the names of their files. Names in the archive are digests
    and words of ours: none comes from the document.
    """
    files = dict(renderings)
    for sha256, content in _by_digest(report.material.certificates):
        files[_certificate_file(sha256)] = content
    for kind, contents in (
        ("OCSP", report.material.ocsp_responses),
        ("CRL", report.material.crls),
    ):
        files.update({_evidence_file(kind, sha256): each for sha256, each in _by_digest(contents)})
    if document is not None:
        files[DOCUMENT] = document
    files[READ_ME] = _read_me(report).encode()
    manifest = _manifest(report, files=files, file_name=file_name)
    files[MANIFEST] = (json.dumps(manifest, ensure_ascii=False, indent=2) + "\n").encode()
    return _zipped(files, at=report.judged_at)


def _manifest(report: Report, *, files: dict[str, bytes], file_name: str) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "document": {
            "file": clean(file_name),
            "sha256": report.sha256,
            "size_bytes": report.size_bytes,
            "included": DOCUMENT in files,
        },
        "verdict": str(report.verdict),
        "reason": report.reason,
        "judged_at": report.judged_at.isoformat().replace("+00:00", "Z"),
        "policy": report.policy,
        "trust_version": report.trust_version,
        "signatures": [
            {
                "field": entry.field,
                "certificates": [
                    _present(_certificate_file(each.sha256), files) for each in entry.chain
                ],
                "evidence": [
                    _present(_evidence_file(each.kind, each.sha256), files)
                    for each in entry.evidence
                ],
            }
            for entry in report.signatures
        ],
        "files": [
            {
                "name": name,
                "sha256": hashlib.sha256(content).hexdigest(),
                "size_bytes": len(content),
            }
            for name, content in sorted(files.items())
        ],
    }


def _present(name: str, files: dict[str, bytes]) -> dict[str, Any]:
    return {"name": name, "included": name in files}


def _by_digest(contents: tuple[bytes, ...]) -> list[tuple[str, bytes]]:
    return [(hashlib.sha256(content).hexdigest(), content) for content in contents]


def _certificate_file(sha256: str) -> str:
    return f"certificates/{sha256}.cer"


def _evidence_file(kind: str, sha256: str) -> str:
    folder, ending = _FOLDERS.get(kind, ("other", "der"))
    return f"{folder}/{sha256}.{ending}"


def _read_me(report: Report) -> str:
    told = [words("evidence.read_me")]
    named = any(entry.chain or entry.evidence for entry in report.signatures)
    if named and not report.material.certificates:
        told.append(words("note.no_material"))
    return "".join(f"{each.vi}\n\n{each.en}\n\n" for each in told)


def _zipped(files: dict[str, bytes], *, at: datetime) -> bytes:
    local = at.astimezone(VIETNAM_TIME)
    year = max(local.year, _EARLIEST_YEAR)
    stamp = (year, local.month, local.day, local.hour, local.minute, local.second)
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(files, key=lambda each: (each != MANIFEST, each)):
            entry = zipfile.ZipInfo(name, date_time=stamp)
            entry.external_attr = _REGULAR_FILE
            entry.create_system = 3  # Unix, wherever it is made
            # A signed PDF is compressed inside already.
            packed = zipfile.ZIP_STORED if name == DOCUMENT else zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name], compress_type=packed)
    return out.getvalue()
