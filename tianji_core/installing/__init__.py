"""The parts of the studio's own environment: what is installed, what is missing, and installing it.

Needs nothing but Python's standard library and pip, because set-up runs it before anything else is
there; only :mod:`tianji_core.installing.launch` and :mod:`tianji_core.installing.worker`, the job of the
pages, need more.
"""
