"""From a frozen value of options and a function to a command; here errors become exit codes."""

import asyncio
import dataclasses
import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer
from typer.models import ArgumentInfo

from exchange.cli.errors import CliError
from exchange.cli.exits import ExitCode, exit_code_of
from exchange.cli.output import Output
from exchange.texts import Language

# Named, not imported: a command that needs no signing engine must not wait for it to load.
_OUR_TREES = {
    f"{package}.errors"
    for package in ("certs", "signer", "storage", "exchange", "exchange.client", "exchange.cli")
}

AsJson = Annotated[
    bool, typer.Option("--json", help="Kết quả dạng JSON · One JSON document on stdout.")
]
Lang = Annotated[
    Language | None, typer.Option("--lang", help="Ngôn ngữ · Language of what is printed.")
]
ProfileFile = Annotated[
    Path | None,
    typer.Option("--profile", metavar="NAME|FILE", help="Hồ sơ · Profile, by name or file."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What every command takes."""

    as_json: AsJson = False
    lang: Lang = None


OptionsT = TypeVar("OptionsT", bound=Options)
Handler = Callable[[OptionsT, Output], ExitCode | Coroutine[Any, Any, ExitCode]]


def as_command(options_type: type[OptionsT], handler: Handler[OptionsT]) -> Callable[..., int]:
    """Make the function that typer turns into a command.

    Its parameters are the fields of `options_type`; its help is the handler's docstring. Our errors
    become a sentence and the exit code of their reason; anything else is a defect, told by its
    reference without a traceback.
    """

    def command(**values: Any) -> int:  # noqa: ANN401 - typer gives each its field's type
        options = options_type(**values)
        output = Output(as_json=options.as_json, language=options.lang)
        return run_handler(lambda: handler(options, output), output)

    hints = get_type_hints(options_type, include_extras=True)
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [_parameter(field, hints[field.name]) for field in _own_first(options_type)]
    )
    command.__annotations__ = hints
    command.__doc__ = handler.__doc__
    command.__name__ = getattr(handler, "__name__", "command")
    return command


def run_handler(
    work: Callable[[], ExitCode | Coroutine[Any, Any, ExitCode]], output: Output
) -> int:
    """Run one command to its exit code; nothing but a code ever leaves here."""
    try:
        result = work()
        return int(asyncio.run(result) if isinstance(result, Coroutine) else result)
    except (KeyboardInterrupt, asyncio.CancelledError):
        output.failure(_Interrupted())
        return int(ExitCode.INTERRUPTED)
    except typer.Exit as stop:
        return stop.exit_code
    except BrokenPipeError:
        raise
    except Exception as error:
        output.failure(error)
        return int(exit_code_of(error) if is_ours(error) else ExitCode.INTERNAL)


def is_ours(error: BaseException) -> bool:
    """Tell whether the error belongs to one of our trees, so that its reason means something."""
    return any(ancestor.__module__ in _OUR_TREES for ancestor in type(error).__mro__)


class _Interrupted(CliError):
    """The user stopped the command. No half-made file is left."""

    reason = "INTERRUPTED"


def _own_first(options_type: type[Options]) -> list[dataclasses.Field[Any]]:
    # Help lists them in this order, and what a command does matters more than what all share.
    depth = {
        name: distance
        for distance, ancestor in reversed(list(enumerate(options_type.__mro__)))
        for name in inspect.get_annotations(ancestor)
    }

    def place(field: dataclasses.Field[Any]) -> int:
        # Arguments are told apart by their order, which is that of the fields.
        return -1 if isinstance(_typer_info(field), ArgumentInfo) else depth[field.name]

    return sorted(dataclasses.fields(options_type), key=place)


def _typer_info(field: dataclasses.Field[Any]) -> object:
    return next(iter(getattr(field.type, "__metadata__", ())), None)


def _parameter(field: dataclasses.Field[Any], annotation: object) -> inspect.Parameter:
    default: object = field.default
    if field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    if default is dataclasses.MISSING:
        default = inspect.Parameter.empty
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )
