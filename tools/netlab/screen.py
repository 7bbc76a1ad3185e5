# SPDX-License-Identifier: Apache-2.0
"""What the demo prints: headlines, tables, expectations. Colours only on a terminal."""
import os
import sys

COLOURS = sys.stdout.isatty() and "NO_COLOR" not in os.environ
failures = []


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOURS else text


def headline(text):
    print("\n" + paint("1", text), flush=True)


def say(text):
    print("  " + text, flush=True)


def check(good, text):
    """One expectation of the demo, with its outcome."""
    say(f"{paint('32', 'ok') if good else paint('31', 'NO')}   {text}")
    if not good:
        failures.append(text)


def table(header, rows):
    widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(len(header))]
    for index, row in enumerate([header, *rows]):
        cells = [str(cell).ljust(width) if i == 0 else str(cell).rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        line = "  ".join(cells).rstrip()
        say(paint("2", line) if index == 0 else line)
