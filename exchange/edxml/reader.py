"""The tolerant reader: from anyone's edXML to an envelope or a status, with warnings. Pure.

Whatever can be understood is: any order, case, prefix and spelling of elements, many spellings of
dates, labels that lie. What is odd is kept and noted in a warning; only what cannot be read safely
is refused, with one of the errors under EnvelopeInvalid. Everything here is picklable, for it runs
in the sandbox.
"""

import io
from collections.abc import Iterable, Iterator
from typing import IO

from exchange.edxml.attachments import content_pieces, read_attachments
from exchange.edxml.headers import read_document, read_status
from exchange.edxml.limits import DEFAULT_EDXML_LIMITS, EdxmlLimits
from exchange.edxml.noting import Fields, Notes, unused_elements
from exchange.edxml.parsing import ParsedMessage, parse_message
from exchange.edxml.result import (
    LocatedDocument,
    LocatedMessage,
    RawElement,
    ReadAttachment,
    ReadDocument,
    ReadErrors,
    ReadMessage,
    ReadStatus,
    ReportedError,
    WarningCode,
)
from exchange.edxml.tree import Node, folded
from exchange.edxml.values import NAMESPACE
from exchange.envelope.strictness import (
    Problem,
    document_problems,
    extension_problems,
    status_problems,
)
from exchange.errors import EdxmlUnsupported, EnvelopeIncomplete

# What SDKs add to attachments beside the fields of the regulation.
_EXTENSIONS = frozenset({"fieldname", "mimetype", "format"})


def locate_edxml(
    stream: IO[bytes], *, limits: EdxmlLimits = DEFAULT_EDXML_LIMITS
) -> LocatedMessage:
    """Read an edXML message from a stream that can be read again; attachments stay inside it.

    Memory does not grow with the attachments: each is decoded and unpacked once, in pieces, for
    its digest and size; `content_pieces` gives its bytes from where they lie.

    Raises:
        EdxmlMalformed: not well-formed XML.
        EdxmlDoctypeRefused: a DOCTYPE is declared, in whatever encoding.
        EdxmlTooLarge: a limit is exceeded.
        EdxmlUnsupported: another root, namespace, encoding or status code.
        EnvelopeIncomplete: there is no message header at all, or a status without its code.

    """
    parsed = parse_message(stream, limits=limits)
    root = parsed.root
    if root.namespace != NAMESPACE or root.key != folded("edXML"):
        # The namespace also carries malware reports (root edXMLEnvelope); there are older formats
        # too.
        raise EdxmlUnsupported("the root is not edXML of QCVN 102:2016")
    notes = Notes(limits)
    _note_oddities_of_bytes(parsed, notes)
    message = Fields(root, path="", notes=notes)
    envelope = message.group("edXMLEnvelope")
    header = Fields(envelope.group("edXMLHeader").node, path="", notes=notes)
    errors = _read_errors(root, notes)
    fields = Fields(header.group("MessageHeader", "Status").node, path="", notes=notes)
    if errors and not _brings(fields, message):
        document_id = fields.text("DocumentId") or fields.group("ResponseFor").text("DocumentId")
        # What is repeated of the refused message is known to its sender.
        _use_all(fields.node)
        return ReadErrors(
            document_id=document_id,
            errors=errors,
            extras=_extras(root, notes),
            warnings=notes.warnings,
        )
    if not fields.node.children:
        raise EnvelopeIncomplete("is missing", field="MessageHeader")
    if fields.has("StatusCode") or fields.node.key == folded("Status"):
        status = read_status(fields, notes)
        _note_problems(status_problems(status), notes)
        extras = _extras(root, notes)
        return ReadStatus(status=status, warnings=notes.warnings, extras=extras, errors=errors)
    attachments = read_attachments(message, envelope, stream=stream, notes=notes, limits=limits)
    refs = tuple(each.ref for each in attachments)
    document = read_document(fields, header, attachments=refs, notes=notes)
    _note_problems(document_problems(document), notes)
    for extension in extension_problems(document):
        notes.warn(WarningCode.EXTENSION_KEPT, extension.field)
    extras = _extras(root, notes)
    return LocatedDocument(
        envelope=document,
        attachments=attachments,
        warnings=notes.warnings,
        extras=extras,
        errors=errors,
    )


def read_edxml(content: bytes, *, limits: EdxmlLimits = DEFAULT_EDXML_LIMITS) -> ReadMessage:
    """Read an edXML message that is in memory, with its attachments' bytes beside it.

    Raises as `locate_edxml`.
    """
    stream = io.BytesIO(content)
    located = locate_edxml(stream, limits=limits)
    if not isinstance(located, LocatedDocument):
        return located
    return ReadDocument(
        envelope=located.envelope,
        attachments=tuple(
            ReadAttachment(ref=each.ref, content=b"".join(content_pieces(stream, each.place)))
            for each in located.attachments
        ),
        warnings=located.warnings,
        extras=located.extras,
        errors=located.errors,
    )


def _note_oddities_of_bytes(parsed: ParsedMessage, notes: Notes) -> None:
    if parsed.junk.strip():
        junk = parsed.junk.decode("ascii", "backslashreplace")
        notes.warn(WarningCode.JUNK_BEFORE_DECLARATION, "", detail=junk)
    if parsed.declared:
        notes.warn(WarningCode.ENCODING_MISDECLARED, "", detail=parsed.declared)
    for prefix in parsed.unbound_prefixes:
        notes.warn(WarningCode.PREFIX_UNBOUND, "", detail=prefix)


def _note_problems(problems: Iterable[Problem], notes: Notes) -> None:
    for problem in problems:
        notes.warn(WarningCode.FIELD_AGAINST_RULES, problem.field, detail=problem.detail)


def _brings(fields: Fields, message: Fields) -> bool:
    """Tell whether a message brings a status or attachments."""
    return fields.has("StatusCode") or message.has("AttachmentEncoded")


def _read_errors(root: Node, notes: Notes) -> tuple[ReportedError, ...]:
    """Read what an axis has against a message, wherever it says so: sources differ about where."""
    errors = tuple(
        ReportedError(code=each.text("Code", "ErrorCode"), description=each.text("Description"))
        for group in _named(root, "ErrorList")
        for each in Fields(group, path="ErrorList", notes=notes).groups("Error")
    )
    told = tuple(each for each in errors if each.code or each.description)
    if told:
        notes.warn(WarningCode.ERRORS_REPORTED, "ErrorList", detail=told[0].code)
    return told


def _use_all(node: Node) -> None:
    for child in node.children:
        child.used = True
        _use_all(child)


def _named(node: Node, name: str) -> Iterator[Node]:
    for child in node.children:
        if child.key == folded(name):
            child.used = True
            yield child
        else:
            yield from _named(child, name)


def _extras(root: Node, notes: Notes) -> tuple[RawElement, ...]:
    extras = tuple(unused_elements(root))
    for extra in extras:
        notes.warn(_code_of_extra(extra.path), extra.path)
    return extras


def _code_of_extra(path: str) -> WarningCode:
    name = path.rpartition("/")[2].casefold()
    # No envelope signature survives the platform's rewriting; it is kept, shown, not relied on.
    if name in ("signature", "digitalsignature"):
        return WarningCode.ENVELOPE_SIGNATURE_NOT_VERIFIABLE
    return WarningCode.EXTENSION_KEPT if name in _EXTENSIONS else WarningCode.ELEMENT_UNKNOWN
