"""The program: its commands, and how bad input ends it."""

import io
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, cast

import typer

from napari_glioma_density import __version__
from napari_glioma_density.cli import (
    agreeing,
    calibrating,
    estimating,
    evaluating,
    exporting,
    fine_tuning,
    hinting,
    information,
    models,
    segmenting,
    synthesizing,
    training,
)
from napari_glioma_density.cli.console import complain, remark, say
from napari_glioma_density.cli.failures import files_named
from napari_glioma_density.errors import BadInput
from napari_glioma_density.nuclei.memory import room_for

# typer carries a click of its own and names only this descendant of the click error that every
# unknown option, missing argument and bad value derives from.
UsageError = cast("type[Exception]", typer.BadParameter.__mro__[1])

NUMBERS: Final = {"float": "a number", "int": "a whole number"}
"""Kinds of values as typer's checks begin their names, and as people call them."""

MAY_BE_EMPTY: Final = ("--author", "--case-id")
"""Options whose value is text that may as well be none."""

BAD_INPUT = 2
INTERRUPTED = 130

app = typer.Typer(
    name="glioma-density",
    help="Nuclear density of glioma slides. Research use only, not for diagnosis, grading or "
    "margins.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("info")(information.info)
app.command("estimate")(estimating.estimate)
app.command("segment")(segmenting.segment)
app.command("evaluate")(evaluating.evaluate)
app.command("train")(training.train)
app.command("calibrate")(calibrating.calibrate)
app.command("fine-tune")(fine_tuning.fine_tune)
app.command("agreement")(agreeing.agreement)
app.command("hint")(hinting.hint)
app.command("export")(exporting.export)
app.command("import")(exporting.import_)
app.command("models")(models.models)
app.command("synthesize")(synthesizing.synthesize)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"{__version__}\n")
        raise typer.Exit


@app.callback()
def _program(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    del version  # the callback has printed it


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and leave it with its exit status.

    0 on success; 2 on bad input, with one line that says what and what to do; 130 when
    interrupted, everything finished being kept.
    """
    _replace_closed()
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show must not end the program.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    status = run(sys.argv[1:] if arguments is None else arguments)
    remark("")  # what was logged and could not be written would end Python with a status of its own
    sys.exit(status)


def _replace_closed() -> None:
    """Put something in the place of streams that who called has closed: nobody wants to see them.

    That occupies their file numbers as well: otherwise the next file opened would get one of them,
    and what a library prints from C would be written into that file.
    """
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


def run(arguments: Sequence[str]) -> int:
    """Run one command and return the exit status."""
    # What it has to say of a damaged file is said here in one line, with the remedy.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    try:
        with files_named(), room_for():
            status = _carried_out(list(arguments) or ["--help"])
    except BadInput as error:
        return _refuse(str(error))
    except UsageError as error:
        return _refuse(_usage(error))
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    if status == INTERRUPTED:  # which typer returns for Ctrl-C, without a word
        remark("stopped; what was finished is kept\n")
    return status if isinstance(status, int) else 0


def _demand_values(arguments: list[str]) -> None:
    """Refuse what is empty, as a variable that a script did not set: it would name this folder."""
    for before, argument in pairwise(["", *arguments]):
        option, sign, value = argument.partition("=")
        if argument and not (option.startswith("--") and sign and not value):
            continue
        name = option or (before if before.startswith("-") else "an argument")
        if name not in MAY_BE_EMPTY:
            raise BadInput(f"{name}: is empty; give a value, or set the variable it comes from")


def _carried_out(arguments: list[str]) -> Any:
    _demand_values(arguments)
    if "--help" not in arguments:
        return app(args=arguments, prog_name=app.info.name, standalone_mode=False)
    # typer prints help itself, heedless of a full disk or a reader that is gone.
    with redirect_stdout(io.StringIO()) as printed:
        status = app(args=arguments, prog_name=app.info.name, standalone_mode=False)
    say(printed.getvalue())
    return status


def _usage(error: Any) -> str:
    command = "" if error.ctx is None else f" {error.ctx.info_name}"
    asked = command if command != f" {app.info.name}" else ""
    return f"{_said(error)}; see `glioma-density{asked} --help`"


def _said(error: Any) -> str:
    """What typer says, in other words where it speaks of its parsing, as of a word for a number."""
    faults: list[Any] = getattr(error.__cause__, "errors", list)()
    kind = NUMBERS.get(faults[0]["type"].partition("_")[0]) if faults else None
    if kind:
        return f"{max(error.param.opts, key=len)} {faults[0]['input']}: must be {kind}"
    message: str = error.format_message()
    return message.replace("Value error, ", "").rstrip(".")


def _refuse(message: str) -> int:
    complain(message)
    return BAD_INPUT
