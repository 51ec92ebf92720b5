"""Tests of the worker and `alolib`, for plain `unittest` on every supported Python."""
