"""`docs/benchmarks.md`: prose by hand, and between markers what the comparisons printed."""

import re
from pathlib import Path

START, END = "<!-- measured: {name} -->", "<!-- end of {name} -->"
LIMIT = re.compile(r"^\*\*(PASS|MISS)\*\*: (.*)$", re.MULTILINE)
# The name of the block that repeats all limits.
LIMITS = "limits"


class Document:
    """The text of the document; blocks are replaced in memory until `save`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")

    def replace(self, name: str, content: str, title: str) -> None:
        """Puts `content` into the block of that name; a block that is not there yet is appended, below `title`."""
        start, end = START.format(name=name), END.format(name=name)
        if start not in self.text:
            self.text = f"{self.text.rstrip()}\n\n## {title}\n\n{start}\n{end}\n"
        before, _, rest = self.text.partition(start)
        _, _, after = rest.partition(end)
        self.text = f"{before}{start}\n\n{content.strip()}\n\n{end}{after}"

    def block(self, name: str) -> str:
        """What is in the block of that name; nothing if there is none."""
        _, _, rest = self.text.partition(START.format(name=name))
        return rest.partition(END.format(name=name))[0].strip()

    def repeat_limits(self) -> None:
        """Fills the block `limits` with those of all other blocks, in their order."""
        self.replace(LIMITS, "", "Limits")
        rows = []
        for name in re.findall(START.format(name="([a-z_]+)"), self.text):
            for verdict, text in LIMIT.findall(self.block(name)):
                what, _, values = text.rstrip(".").rpartition(": ")
                value, _, bound = values.partition(", ")
                rows.append(f"| {what} | {value} | {bound} | {verdict} |")
        if rows:
            head = ["| what | measured | limit | |", "| --- | --: | --: | --- |"]
            self.replace(LIMITS, "\n".join(head + rows), "Limits")

    def save(self) -> None:
        """Writes the document."""
        self.path.write_text(self.text.rstrip() + "\n", encoding="utf-8")
