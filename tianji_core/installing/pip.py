"""Runs pip for groups of packages of the lock, with one address after another until one has them."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.installing import state
from tianji_core.installing.environments import PythonEnvironment
from tianji_core.installing.faults import PipFault, fault_of
from tianji_core.installing.pins import Pin
from tianji_core.locks import FileLock
from tianji_core.mirrors import addresses
from tianji_core.ownership import MARK, claim_folder, discard

INDEXES = "TIANJI_PIP_INDEXES"
"""Environment variable, or line of ``.env``: addresses of package indexes, tried in turn; without it pip uses
its own settings."""


class Pip:
    """The studio's pip for one installation into ``environment``. Holds ``lock``, and so does every pip that
    it starts, until all of them have ended; ``roomy`` says whether the disk has room for pip's cache too;
    ``say`` takes a sentence for a person.
    """

    def __init__(
        self, environment: PythonEnvironment, lock: FileLock, roomy: bool, say: Callable[[str], None]
    ) -> None:
        self.environment = environment
        self._lock = lock
        self._roomy = roomy
        self._say = say
        self._places = addresses(INDEXES) or [""]

    def close(self) -> None:
        """Removes what was there during the installation only, and releases the lock."""
        discard(self.environment.room / "downloads")
        discard(self.environment.room / "group.txt")
        self._lock.release()

    def install(self, pins: list[Pin], anew: bool, grow: Callable[[int], None]) -> None:
        """Installs packages from the first address that has them; those before it are asked no more. ``anew``
        installs over what a broken-off installation left. ``grow`` takes the bytes so far.

        Raises:
            InstallError: no address has them, or this machine does not let them in. DiskFullError: no room.
        """
        while fault := self._run(pins, anew, grow):
            if not fault.elsewhere or len(self._places) == 1:
                raise fault.error
            self._places.pop(0)
            self._say(_("{why}。改用下一个软件源", why=str(fault.error).partition("；")[0]))

    def _run(self, pins: list[Pin], anew: bool, grow: Callable[[int], None]) -> PipFault | None:
        """Runs pip once; returns why it failed, None where it did not."""
        downloads = claim_folder(self.environment.room / "downloads")
        write_text(self.environment.room / "group.txt", "".join(pin.entry for pin in pins))
        write_text(self.environment.room / "log", "")
        size = state.size_of(pins)
        with (self.environment.room / "log").open("ab") as log:
            process = subprocess.Popen(
                [*self._command(anew), "-r", str(self.environment.room / "group.txt")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "TMPDIR": str(downloads), "PYTHONUTF8": "1"},
                pass_fds=[self._lock.fileno()],
            )
            try:
                seen = 0  # pip removes what it has unpacked
                while process.poll() is None:
                    seen = max(seen, min(round(_size(downloads) / state.DOWNLOAD), round(0.9 * size)))
                    grow(seen)
                    time.sleep(0.2)
            except BaseException:
                process.terminate()
                process.wait()
                raise
        discard(downloads)
        if process.returncode == 0:
            return None
        output = (self.environment.room / "log").read_text(encoding="utf-8", errors="replace")
        return fault_of(output, process.returncode, self._places[0])

    def _command(self, anew: bool) -> list[str]:
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
        if self.environment.python != Path(sys.executable):
            command += ["--python", str(self.environment.python)]
        command += ["install"]
        command += ["--require-hashes", "--no-deps", "--progress-bar", "off"]
        # The first import compiles, unless the environment forbids it: then each start would do so anew.
        command += ["--no-compile"] * (not sys.dont_write_bytecode)
        command += ["--ignore-installed"] * anew + ["--no-cache-dir"] * (not self._roomy)
        if "PIP_RETRIES" not in os.environ:
            command += ["--retries", "5" if len(self._places) == 1 else "1"]
        return [*command, "--index-url", self._places[0]] if self._places[0] else command


def _size(folder: Path) -> int:
    """Returns the bytes of the files below a folder but for its mark; some may be going."""
    size = 0
    for root, _folders, files in os.walk(folder):
        for name in set(files) - {MARK}:
            with contextlib.suppress(OSError):
                size += (Path(root) / name).lstat().st_size
    return size
