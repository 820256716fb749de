"""Fills a folder with the wheels of the lock, the studio's own wheel, checksums, and a script that installs
them.

The wheels are for this system, processor and Python; the script refuses another one. A package that its
makers publish as source only is built here, so the other machine needs no compiler.
"""

import platform
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tianji_core.errors import InputError, JobError
from tianji_core.files import write_text
from tianji_core.gate import clean_sentence
from tianji_core.i18n import _
from tianji_core.outputs import write_output_folder
from tianji_core.ownership import sha256
from tianji_core.project import CHECKOUT, LOCKS, PROJECT
from tianji_core.workspace import Workspace

_SCRIPT = Path(__file__).with_name("install.sh")
_WHEEL = re.compile(r"^(?P<name>[^-]+)-(?P<version>[^-]+)-")


@dataclass(frozen=True)
class OfflineBundle:
    """What a bundle holds: its folder, the number of wheels and their bytes."""

    folder: Path
    wheels: int
    size: int


def bundle_install(
    workspace: Workspace,
    target: Path,
    part: str = "whole",
    say: Callable[[str], None] = lambda _text: None,
    project: Path = PROJECT,
) -> OfflineBundle:
    """Writes the bundle of ``part`` to the new folder ``target``; ``say`` takes a line about each step.
    ``project`` is the folder with the lock files and the source of the studio.

    Raises:
        InputError: there is no such part, something is at ``target``, or this is no checkout.
        JobError: a package cannot be fetched or built.
    """
    if part not in LOCKS:
        raise InputError(_("没有“{part}”这一份，有的是：{known}", part=part, known=_("、").join(LOCKS)))
    files = [project / name for name in LOCKS[part]]
    if not (CHECKOUT and (project / "pyproject.toml").is_file() and all(file.is_file() for file in files)):
        raise InputError(_("离线安装包要在源码文件夹里做：git clone 之后在那里运行"))
    wheels: dict[Path, str] = {}
    write_output_folder(workspace, target, lambda folder: wheels.update(_fill(folder, files, project, say)))
    return OfflineBundle(
        target, len(wheels), sum((target / "wheels" / wheel.name).stat().st_size for wheel in wheels)
    )


def _fill(folder: Path, files: Sequence[Path], project: Path, say: Callable[[str], None]) -> dict[Path, str]:
    """Fills the folder; returns its wheels with their SHA-256."""
    wheels = folder / "wheels"
    for file in files:
        say(_("取 {file} 里的包", file=file.name))
        _wheels(["--require-hashes", "--no-deps", "-r", str(file)], wheels)
    before = sorted(wheels.glob("*.whl"))
    say(_("打包工坊自己"))
    _wheels(["--no-deps", str(project)], wheels)
    own = [wheel for wheel in wheels.glob("*.whl") if wheel not in before]
    if len(own) != 1:
        raise JobError(_("工坊自己的包没有打出来"))
    text = _SCRIPT.read_text(encoding="utf-8")
    text = text.replace("@PYTHON@", f"{sys.version_info[0]}.{sys.version_info[1]}")
    text = text.replace("@SYSTEM@", f"{platform.system()} {platform.machine()}")
    write_text(folder / "install.sh", text.replace("@STUDIO@", own[0].name), mode=0o755)
    return _write_lists(folder, before, own[0])


def _wheels(arguments: Sequence[str], folder: Path) -> None:
    """Runs ``pip wheel``, which fetches wheels and builds those that are published as source only."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "wheel", "--quiet"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(folder), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or [done.stderr]
        raise JobError(_("取包没有成功：{reason}", reason=clean_sentence(reasons[0].removeprefix("ERROR: "))))


def _write_lists(folder: Path, wheels: Sequence[Path], own: Path) -> dict[Path, str]:
    """Writes the lock of exactly these wheels and the checksums of all, and returns these. A wheel that was
    built here has another hash than the source in the studio's lock."""
    digests = {wheel: sha256(wheel) for wheel in (*wheels, own)}
    lines = []
    for wheel in wheels:
        parts = _WHEEL.match(wheel.name)
        assert parts is not None, wheel
        lines.append(
            f"{parts['name'].replace('_', '-')}=={parts['version']} --hash=sha256:{digests[wheel]}\n"
        )
    write_text(folder / "requirements.txt", "".join(lines))
    sums = [f"{digest}  wheels/{wheel.name}\n" for wheel, digest in digests.items()]
    lock = sha256(folder / "requirements.txt")
    write_text(folder / "SHA256SUMS", "".join([*sums, f"{lock}  requirements.txt\n"]))
    return digests
