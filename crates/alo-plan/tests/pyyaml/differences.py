"""Where alo means to differ from PyYAML."""

# Where alo reads something else than PyYAML: the value, and why.
OTHER = {
    'a: "\\ud83d\\ude00"': ({"a": "\U0001f600"}, "a surrogate pair is one character; PyYAML keeps two halves"),
}

# What alo refuses and PyYAML reads, and why.
STRICTER = {
    'a: "\\ud800"': "half a surrogate pair is no character",
    "a: !!set {a}": "a plan has no sets",
    "a: !!omap [a: 1]": "a plan has no ordered maps",
    "a: !!python/tuple [1]": "reading a plan makes no Python objects",
    "a: !!python/none": "reading a plan makes no Python objects",
    "a: &x\n  - *x\n": "a value cannot hold itself",
    "a: &x {b: *x}": "a value cannot hold itself",
}
