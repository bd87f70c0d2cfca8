"""A bar with the time that is left, for people at a terminal who watch several files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from exchange.cli.output import Output


@contextmanager
def progress(output: Output, total: int, *, shown: bool) -> Iterator[Callable[[], None]]:
    """Give a function to call after each file; nothing is drawn for a pipe or a single file."""
    console = output.error_console
    if not shown or total < 2 or not console.is_terminal or console.is_dumb_terminal:
        yield lambda: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn(output.phrase("sign.progress_left")),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(output.phrase("sign.progress"), total=total)
        yield lambda: bar.advance(task)
