"""Everything the studio does, without a browser.

Its rooms stand in one order, each importing only from those below it: the contract "rooms" of
``pyproject.toml``, drawn in ``docs/architecture.md``.
"""
