"""Ratios of what takes turns: A B, B A, A B …, so that other load falls on both alike."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

Seconds = Mapping[str, list[float]]
"""Seconds for one unit of work (a patch) by side, one value a round."""


@dataclass
class Stopwatch:
    """Wall time of the bodies of its ``with`` statements."""

    seconds: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Add the time of the body."""
        began = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - began


def take_turns(sides: Mapping[str, Callable[[], float]], rounds: int) -> Seconds:
    """Let each side measure itself once a round, in alternating order, after a round to warm up.

    Parameters
    ----------
    sides
        Functions that do some work and return seconds per unit of it.
    rounds
        How often.
    """
    times: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        side()
    for index in range(rounds):
        turn = list(sides)[:: 1 if index % 2 == 0 else -1]
        for name in turn:
            times[name].append(sides[name]())
    return times


@dataclass(frozen=True)
class Figure:
    """One measured figure: the median over rounds and the quartiles around it."""

    slide: str
    name: str
    median: float
    low: float
    high: float
    rounds: int
    aim: str = field(default="")
    """What it should be, ``≥ 2``; empty where nothing is asked."""

    @classmethod
    def of(cls, slide: str, name: str, values: list[float], aim: str = "") -> Self:
        """The figure of one value a round."""
        low, median, high = (
            statistics.quantiles(values, n=4, method="inclusive")
            if len(values) > 1
            else (values[0],) * 3
        )
        return cls(slide, name, median, low, high, len(values), aim)

    @property
    def meets(self) -> bool | None:
        """Whether the median is what it should be; None where nothing is asked."""
        if not self.aim:
            return None
        sign, limit = self.aim.split()
        return self.median >= float(limit) if sign == "≥" else self.median <= float(limit)

    def as_row(self) -> dict[str, Any]:
        """Its fields for JSON."""
        return {**self.__dict__, "meets": self.meets}


def ratio(times: Seconds, slower: str, faster: str) -> list[float]:
    """Round by round, how many times as long ``slower`` takes."""
    return [a / b for a, b in zip(times[slower], times[faster], strict=True)]


def as_table(figures: list[Figure]) -> str:
    """The figures as a Markdown table."""
    head = "| slide | figure | median | quartiles | rounds | aim | met |"
    rule = "|---|---|---:|---:|---:|---|---|"
    return "\n".join([head, rule, *map(_line, figures)])


def _line(figure: Figure) -> str:
    met = {None: "", True: "yes", False: "**no**"}[figure.meets]
    return (
        f"| {figure.slide} | {figure.name} | {figure.median:.3g} | "
        f"{figure.low:.3g}–{figure.high:.3g} | {figure.rounds} | {figure.aim} | {met} |"
    )
