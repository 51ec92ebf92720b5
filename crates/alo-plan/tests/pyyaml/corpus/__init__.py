"""What PyYAML is asked about."""

from .documents import DOCUMENTS
from .scalars import SCALARS

__all__ = ["DOCUMENTS", "SCALARS"]
