"""What people read: steps with their time, aligned tables, and errors that say what to do next."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class Failure(Exception):
    """A step failed. `hint` is the next thing to do; `code` the exit status (3: something must be installed)."""

    def __init__(self, message: str, *, hint: str = "", code: int = 1) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code


def say(line: str = "") -> None:
    """Prints a line at once, also when the output is a file."""
    print(line, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Says what is being done, and when it is done, in seconds."""
    started = time.monotonic()
    live = sys.stdout.isatty()
    if live:
        sys.stdout.write(f"· {what} …\r")
        sys.stdout.flush()
    try:
        yield
    except BaseException:
        say(f"✗ {what} ({time.monotonic() - started:.1f} s)")
        raise
    say(f"✓ {what} ({time.monotonic() - started:.1f} s)")


def table(heading: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints aligned columns; numbers to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(line[index]) for line in [list(heading), *cells]) for index in range(len(heading))]
    right = [bool(cells) and all(_is_number(row[index]) for row in cells) for index in range(len(heading))]

    def line(row: Sequence[str]) -> str:
        return "  ".join(
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        ).rstrip()

    say(line(heading))
    for row in cells:
        say(line(row))


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace("-", "", 1).isdigit()
