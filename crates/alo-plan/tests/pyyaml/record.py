#!/usr/bin/env python3
"""Records what PyYAML makes of the scalars and documents of `corpus/`, as `table.json` beside this script.

usage: record.py            writes table.json
       record.py --print    prints it

The table is what `alo_plan::yaml::parse_value` is held against (`tests/pyyaml.rs`). PyYAML 6.0 or later is needed.
Where alo refuses what PyYAML reads, or reads something else, `differences.py` says so, with the reason.
"""

import json
import pathlib
import sys

import yaml

from corpus import DOCUMENTS, SCALARS
from differences import OTHER, STRICTER
from tagged import tagged


def entry(text):
    if text in OTHER:
        value, why = OTHER[text]
        return {"text": text, "value": tagged(value), "why": why}
    if text in STRICTER:
        return {"text": text, "refused": STRICTER[text]}
    try:
        return {"text": text, "value": tagged(yaml.load(text, Loader=yaml.FullLoader))}
    except (yaml.YAMLError, ValueError, IndexError, KeyError, AttributeError, TypeError):
        # ValueError and the others: PyYAML lets the errors of `datetime` and `int` through.
        return {"text": text, "refused": "by PyYAML"}


def main():
    texts = [form.format(scalar) for scalar in SCALARS for form in ("a: {}", "[{}]", "{}: b")] + DOCUMENTS
    table = {"scalars": len(SCALARS), "documents": len(DOCUMENTS), "entries": [entry(text) for text in texts]}
    text = json.dumps(table, indent=0, ensure_ascii=True) + "\n"
    if "--print" in sys.argv:
        sys.stdout.write(text)
    else:
        pathlib.Path(__file__).with_name("table.json").write_text(text)


main()
