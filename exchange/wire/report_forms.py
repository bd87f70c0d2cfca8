"""The forms of a kept report on the wire."""

from typing import Final

from congvan.v1 import verification_pb2
from exchange.errors import ArgumentInvalid
from exchange.inspection.inspecting import Form

MAX_RENDERING_BYTES: Final = 3 * 1024 * 1024
"""What fits into an answer beside the report's own fields."""
_FORMS: Final[dict[int, tuple[Form, str]]] = {
    verification_pb2.REPORT_FORM_JSON: ("json", "application/json"),
    verification_pb2.REPORT_FORM_HTML: ("html", "text/html; charset=utf-8"),
    verification_pb2.REPORT_FORM_PDF: ("pdf", "application/pdf"),
    verification_pb2.REPORT_FORM_XML: ("xml", "application/xml"),
    verification_pb2.REPORT_FORM_EVIDENCE: ("evidence", "application/zip"),
}


def read_form(form: int) -> Form | None:
    """Give the form that is asked for, None for none; raises ArgumentInvalid for an unknown one."""
    if form == verification_pb2.REPORT_FORM_UNSPECIFIED:
        return None
    if form not in _FORMS:
        raise ArgumentInvalid("no such form", field="form")
    return _FORMS[form][0]


def write_rendering(report: verification_pb2.VerificationReport, *, form: int, made: bytes) -> None:
    """Put a form into the answer; raises ArgumentInvalid where it is too large for one."""
    if len(made) > MAX_RENDERING_BYTES:
        raise ArgumentInvalid(f"this form has more than {MAX_RENDERING_BYTES} bytes", field="form")
    report.rendering = made
    report.rendering_media_type = _FORMS[form][1]
