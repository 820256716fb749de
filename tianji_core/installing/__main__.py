"""``python -m tianji_core.installing light|whole|test``: installs what a part of the studio lacks, with the
Python that runs it; says nothing where nothing is missing."""

import os
import sys
import time

from tianji_core.errors import StudioError
from tianji_core.i18n import LANGUAGE, _, set_language
from tianji_core.installing.install import install
from tianji_core.installing.machine import gigabytes
from tianji_core.installing.pins import PARTS
from tianji_core.installing.state import missing, size_of

STOPPED = 130
"""Exit code after Ctrl-C."""


def say(sentence: str) -> None:
    """Prints a sentence of set-up."""
    print(f"setup: {sentence}", file=sys.stderr, flush=True)


class Lines:
    """Prints one line for every group of packages, with the share and the time that is left."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._title = ""

    def tell(self, done: int, total: int, title: str) -> None:
        """Takes the progress."""
        if not title or title == self._title:
            return
        self._title = title
        spent = time.monotonic() - self._began
        left = spent * (total - done) / done if done else 0.0
        share = f"{100 * done // total if total else 0:3d} %"
        remaining = _(" · 还要约 {n} 秒", n=round(left)) if left >= 1 else ""
        say(f"{share} · {title}{remaining}")


def main(arguments: list[str]) -> int:
    """Installs the part that is named; returns the exit code."""
    spoken = next(
        (os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), ""
    )
    named = spoken.split(".")[0].split("_")[0]  # C and POSIX name no language; the studio then speaks Chinese
    set_language(os.environ.get(LANGUAGE) or ("zh" if named in ("", "C", "POSIX", "zh") else "en"))
    part = arguments[0] if arguments else "whole"
    if part not in PARTS:
        say(_("不认识“{part}”；应为 {parts}", part=part, parts=" / ".join(PARTS)))
        return 2
    try:
        if wanted := missing(part):
            say(_("安装 {n} 个包，占 {size} 磁盘", n=len(wanted), size=gigabytes(size_of(wanted))))
            began = time.monotonic()
            install(part, Lines().tell, say)
            say(_("装好了，用了 {n} 秒", n=round(time.monotonic() - began)))
    except StudioError as error:
        say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        say(_("停下了；装好的留着，再来一次会接着装"))
        return STOPPED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
