"""What assets import: the class they derive from and the helpers of the first generation.

The package is a thin client of the engine that started the process. The rules of every call live in the engine; here
arguments are turned into messages, and answers into values or exceptions. It needs the standard library only (Python
3.8 to 3.13) and is put on the path of the worker, so nothing is installed into an asset's environment.

Modules whose name starts with `_` belong to the worker; assets use `asset`, `exception`, `common` and `logger`.
"""

#: The generation of the asset API spoken here: that of ALO 2.6.
__version__ = "2.6.0"
