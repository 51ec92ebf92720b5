"""`docs/benchmarks.md`: prose by hand, and between markers what the comparisons printed."""

import re
from pathlib import Path
from typing import Sequence

START, END = "<!-- measured: {name} -->", "<!-- end of {name} -->"
LIMIT = re.compile(r"^\*\*(PASS|MISS)\*\*: (.*)$", re.MULTILINE)
# The name of the block that repeats all limits.
LIMITS = "limits"


class Document:
    """The text of the document; blocks are replaced in memory until `save`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")

    def has(self, name: str) -> bool:
        """Whether there is a block of that name."""
        return START.format(name=name) in self.text

    def replace(self, name: str, content: str) -> None:
        """Puts `content` into the block of that name, which must be there."""
        start, end = START.format(name=name), END.format(name=name)
        before, _, rest = self.text.partition(start)
        _, _, after = rest.partition(end)
        self.text = f"{before}{start}\n\n{content.strip()}\n\n{end}{after}"

    def add_section(self, name: str, title: str, prose: str, behind: Sequence[str]) -> None:
        """Makes a section with an empty block, behind that of the last of the blocks `behind` that is there, else at the end."""
        section = f"## {title}\n\n{prose}\n\n{START.format(name=name)}\n{END.format(name=name)}\n\n"
        at = len(self.text)
        for other in behind:
            if self.has(other):
                at = self.text.index(END.format(name=other))
        next_section = self.text.find("\n## ", at)
        at = len(self.text) if next_section < 0 else next_section + 1
        gap = "" if self.text[:at].endswith("\n\n") else "\n"
        self.text = self.text[:at] + gap + section + self.text[at:]

    def block(self, name: str) -> str:
        """What is in the block of that name; nothing if there is none."""
        _, _, rest = self.text.partition(START.format(name=name))
        return rest.partition(END.format(name=name))[0].strip()

    def repeat_limits(self) -> None:
        """Fills the block `limits` with those of all other blocks, in their order."""
        rows = []
        for name in re.findall(START.format(name="([a-z_]+)"), self.text):
            for verdict, text in LIMIT.findall(self.block(name)):
                what, _, values = text.rstrip(".").rpartition(": ")
                value, _, bound = values.partition(", ")
                rows.append(f"| {what} | {value} | {bound} | {verdict} |")
        head = ["| what | measured | limit | |", "| --- | --: | --: | --- |"]
        self.replace(LIMITS, "\n".join(head + rows))

    def save(self) -> None:
        """Writes the document."""
        self.path.write_text(self.text.rstrip() + "\n", encoding="utf-8")
