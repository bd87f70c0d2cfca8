"""A bar with the time that is left, for people at a terminal who watch several files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from exchange.cli.output import Output

Tell = Callable[[], None]


@contextmanager
def progress(
    output: Output, total: int, *, shown: bool, label: str = "sign.progress"
) -> Iterator[Callable[[Tell], None]]:
    """Give a function to call with what is told of each file, while the bar is away.

    Nothing is drawn for a pipe or a single file. label: the phrase before the bar.
    """
    console = output.error_console
    if not shown or total < 2 or not console.is_terminal or console.is_dumb_terminal:
        yield lambda tell: tell()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn(output.phrase("sign.progress_left")),
        TimeRemainingColumn(),
    )
    # Results go where stdout goes, in whole lines: not through the bar, which is on stderr.
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as bar:
        task = bar.add_task(output.phrase(label), total=total)

        def step(tell: Tell) -> None:
            bar.stop()
            tell()
            bar.advance(task)
            bar.start()

        yield step
