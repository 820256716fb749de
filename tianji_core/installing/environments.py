"""The Python environments into which packages of a lock are installed: the studio's own, and those of other
programs whose packages clash with it."""

import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

from tianji_core.errors import InstallError
from tianji_core.installing.faults import no_rights
from tianji_core.ownership import claim_folder


@dataclass(frozen=True)
class PythonEnvironment:
    """An environment by its folder ``prefix``, which has a Python; ``python`` is that one's program."""

    prefix: Path
    python: Path

    @property
    def packages(self) -> Path:
        """The folder into which pip installs."""
        folders = {"base": str(self.prefix), "platbase": str(self.prefix)}
        return Path(sysconfig.get_path("purelib", vars=folders))

    @property
    def room(self) -> Path:
        """Folder in the environment for what exists during an installation only, and for pip's last
        output."""
        return self.prefix / ".tianji-setup"


OWN = PythonEnvironment(Path(sys.prefix), Path(sys.executable))
"""The environment that runs the studio."""


def separate(prefix: Path) -> PythonEnvironment:
    """Returns the environment of another program in the folder ``prefix``, whether it is there or not."""
    return PythonEnvironment(prefix, prefix / "bin" / "python")


def make_environment(prefix: Path) -> PythonEnvironment:
    """Returns an environment at ``prefix``, made with the Python that runs the studio where there is none.
    It has no pip: the studio's own installs into it.

    Raises:
        InputError: the folder holds something that the studio did not make.
        InstallError: it cannot be made there.
    """
    made = separate(prefix)
    claim_folder(prefix)
    if not made.python.exists():
        try:
            venv.EnvBuilder(symlinks=True).create(prefix)
        except PermissionError as error:
            raise no_rights(str(prefix)) from error
        except OSError as error:
            raise InstallError(str(error)) from error
    return made
