"""Which version of the studio runs: that of the installation, or of the commit of a checkout."""

import functools
import re
import subprocess
import tomllib
from email.parser import HeaderParser
from importlib import metadata

from tianji_core.project import CHECKOUT, DISTRIBUTION, PROJECT

_LONGEST = 10
"""Seconds that git may take."""


@functools.cache
def version() -> str:
    """Returns the version as in PEP 440: ``0.1.0`` of a release; ``0.1.1.dev12+g1a2b3c4`` of the twelfth
    commit since release 0.1.0. A checkout without git says the release it came after."""
    if not CHECKOUT:
        return metadata.version(DISTRIBUTION)
    if (described := PROJECT / "PKG-INFO").is_file():  # an unpacked sdist
        return str(HeaderParser().parsestr(described.read_text(encoding="utf-8"))["Version"])
    if found := re.fullmatch(r"v(\d[^-]*)-(\d+)-(g[0-9a-f]+)", _git("describe", *_DESCRIBE)):
        return _since(found[1], int(found[2]), found[3])
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    before = str(settings["tool"]["hatch"]["version"]["fallback-version"])
    node, commits = _git("rev-parse", "--short=9", "HEAD"), _git("rev-list", "--count", "HEAD")
    return _since(before, int(commits), f"g{node}") if node and commits else before


_DESCRIBE = ("--tags", "--long", "--match", "v[0-9]*")


def _since(release: str, commits: int, node: str) -> str:
    """The version ``commits`` after a release, as setuptools-scm's "guess-next-dev" counts."""
    if not commits:
        return release
    stem, last = re.fullmatch(r"(.*?)(\d+)", release).groups()  # type: ignore[union-attr]
    return f"{stem}{int(last) + 1}.dev{commits}+{node}"


def _git(*arguments: str) -> str:
    """What git says of the checkout; '' where there is no git or no repository of its own."""
    if not (PROJECT / ".git").exists():
        return ""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=PROJECT, capture_output=True, text=True, timeout=_LONGEST, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
