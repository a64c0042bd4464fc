"""What a terminal shows after all that was written to it: bars that moved stand where they ended."""

from __future__ import annotations

import re

CONTROL = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|\x1b[^\[]|[\r\n\x08\x07]|[^\x1b\r\n\x08\x07]+")


class Screen:
    """Lines of any number and length: nothing scrolls away, nothing is folded."""

    def __init__(self) -> None:
        self._lines = [""]
        self._row = self._column = 0
        self._rest = ""

    @property
    def text(self) -> str:
        """All lines, without what is blank at their ends and at the end of all."""
        return "\n".join(line.rstrip() for line in self._lines).rstrip()

    def feed(self, text: str) -> None:
        """Write: letters, and the controls that rich and click use."""
        text = self._rest + text
        cut = text.rfind("\x1b")
        whole = cut < 0 or re.match(r"\x1b(\[[?\d;]*[A-Za-z]|[^\[])", text[cut:])
        text, self._rest = (text, "") if whole else (text[:cut], text[cut:])
        for found in CONTROL.finditer(text):
            self._one(found)

    def _one(self, found: re.Match[str]) -> None:
        piece = found[0]
        if found[2]:
            self._steer(found[2], found[1])
        elif piece == "\n":
            self._row += 1
            self._lines += [""] * (self._row + 1 - len(self._lines))
        elif piece == "\r":
            self._column = 0
        elif piece == "\x08":
            self._column = max(0, self._column - 1)
        elif piece[0] not in "\x1b\x07":
            self._write(piece)

    def _steer(self, letter: str, numbers: str) -> None:
        if letter == "A":
            self._row = max(0, self._row - int(numbers or 1))
        elif letter == "K":
            line = self._lines[self._row]
            self._lines[self._row] = "" if numbers == "2" else line[:self._column]

    def _write(self, text: str) -> None:
        line = self._lines[self._row].ljust(self._column)
        self._lines[self._row] = line[:self._column] + text + line[self._column + len(text):]
        self._column += len(text)
