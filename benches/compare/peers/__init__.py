"""The tools that `alo` is compared with, each in a folder of its own: how it is driven, its project, its pinned packages.

A folder holds `peer.py` (a `Peer`), `requirements.txt` (all packages with their versions) and `titanic/` (the Titanic
work as a project of that tool, with the functions of `titanic_bare.py` or the processes of `titanic_step.py` as steps).
"""

from .dvc.peer import Dvc
from .kedro.peer import Kedro
from .mellerikat_alo.peer import MellerikatAlo
from .peer import Peer
from .shell import Shell
from .snakemake.peer import Snakemake
from .workshop import Workshop

# In the order of the tables.
ALL = [MellerikatAlo, Kedro, Shell, Dvc, Snakemake]

__all__ = ["ALL", "MellerikatAlo", "Peer", "Workshop"]
