"""What every command shares with the terminal: one object on stdout, everything else on stderr."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from napari_glioma_density.errors import BadInput

STARTED = time.perf_counter()
"""When the program began, as near as Python can say."""

AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout, logs on stderr.")
]

# As large as every generator of random numbers takes.
Seed = Annotated[
    int, typer.Option(min=0, max=2**32 - 1, help="The same seed gives the same result.")
]

stderr = Console(stderr=True, highlight=False)


def remark(text: str) -> None:
    """Say on stderr, at once; if stderr is closed or full, work goes on.

    Parameters
    ----------
    text
        With its line ends; an empty one only sends on what still waits to be written.
    """
    if sys.stderr is None:  # closed by who called
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):  # a full disk, a reader that is gone, or a file closed since
        _give_up(sys.stderr)


def print_epoch(entry: dict[str, Any], left: str) -> None:
    """Say on stderr, in one line, how an epoch went; `left` is the time until the training ends."""
    f1 = "  ".join(f"{name} {s['f1']:.3f}" for name, s in entry.get("validation", {}).items())
    remark(
        f"epoch {entry['epoch']}/{entry['epochs']}  loss {entry['loss']:.4f}  "
        f"{left}{'  F1: ' if f1 else ''}{f1}\n"
    )


def _give_up(stream: TextIO) -> None:
    """Send a stream's text nowhere: what is in its buffer would be tried again at the end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def complain(message: str) -> None:
    """Say on stderr, in one line, what is wrong."""
    remark(f"glioma-density: {' '.join(message.split())}\n")


def say(text: str) -> None:
    """Print on stdout, at once; if the reader is gone, as behind ``| head``, that is no error.

    Raises
    ------
    BadInput
        When stdout cannot be written: it is a file on a full disk.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        _give_up(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            raise BadInput(
                f"standard output: cannot be written ({error.strerror}); what was finished is "
                "kept: free some space, or name another file"
            ) from error


def print_json(values: dict[str, Any]) -> None:
    """Print one JSON object on stdout, in ASCII where its encoding does not hold all letters."""
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    say(json.dumps(values, ensure_ascii=not is_unicode, indent=1) + "\n")


def print_lines(values: dict[str, Any]) -> None:
    """Print names and values for a person, one line each; nested values are left out."""
    shown = {name: value for name, value in values.items() if not isinstance(value, dict | list)}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        say(f"{name.replace('_', ' '):<{width}}  {_readable(value)}\n")


def show(values: dict[str, Any], as_json: bool) -> None:
    """Print a command's result, for a program or for a person."""
    (print_json if as_json else print_lines)(values)


@contextmanager
def progress_bar(what: str, unit: str) -> Iterator[Progress]:
    """A progress bar on stderr when that is a terminal; silent otherwise."""
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=stderr, disable=not stderr.is_terminal) as bar:
        yield bar


def _readable(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
