"""Scalars: each is read as `a: SCALAR`, as `[SCALAR]` and as a key."""

from .floats import FLOATS
from .integers import INTEGERS
from .marks import MARKS
from .mixtures import MIXTURES
from .times import TIMES
from .words import WORDS

# In the order of the table.
SCALARS = INTEGERS + FLOATS + WORDS + TIMES + MARKS + MIXTURES

__all__ = ["SCALARS"]
