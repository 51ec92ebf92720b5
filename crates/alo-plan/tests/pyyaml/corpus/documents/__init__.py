"""Whole documents."""

from .blocks import BLOCKS
from .characters import CHARACTERS
from .flow import FLOW
from .indicators import INDICATORS
from .nesting import NESTING
from .references import REFERENCES
from .tags import TAGS

# In the order of the table.
DOCUMENTS = FLOW + BLOCKS + REFERENCES + INDICATORS + CHARACTERS + NESTING + TAGS

__all__ = ["DOCUMENTS"]
