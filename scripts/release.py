"""Makes the files of a release in ``dist/VERSION``: sdist and wheel, the bill of materials, the notes out of
the CHANGELOG, and ``SHA256SUMS`` over them.

The version is that of the tag ``v…`` at the commit; at any other commit it is one of development, whose notes
are those under "Unreleased". The wheel is made from the sdist, so that both hold the same.
"""

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.sbom import bill_of_materials  # noqa: E402

CHANGELOG = ROOT / "CHANGELOG.md"
UNRELEASED = "Unreleased"


def release(folder: Path) -> list[Path]:
    """Makes the files of the release of this commit in a new folder below ``folder`` and returns them.

    Raises:
        ValueError: the CHANGELOG has no section for the version.
        FileExistsError: the release is there already.
        subprocess.CalledProcessError: the build failed.
    """
    made_at = _committed_at()
    version = _build_tool("version").strip()
    notes = notes_of(version)
    target = folder / version
    target.mkdir(parents=True)
    _build_tool("build", "-t", "sdist", "-d", str(target), epoch=made_at)
    [sdist] = target.glob("*.tar.gz")
    wheel = wheel_of(sdist, target, made_at)
    bom = target / f"{sdist.name.removesuffix('.tar.gz')}.cdx.json"
    bom.write_text(bill_of_materials(version, made_at), encoding="utf-8")
    news = target / "NOTES.md"
    news.write_text(notes, encoding="utf-8")
    sums = target / "SHA256SUMS"
    sums.write_text("".join(f"{_sha256(path)}  {path.name}\n" for path in (sdist, wheel, bom, news)))
    return [sdist, wheel, bom, news, sums]


def wheel_of(sdist: Path, target: Path, made_at: datetime) -> Path:
    """Builds the wheel of an sdist in ``target`` and returns it; nothing is read from the checkout."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(sdist) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # not before Python 3.11.4
            archive.extractall(folder)
        [source] = Path(folder).iterdir()
        _build_tool("build", "-t", "wheel", "-d", str(target.resolve()), epoch=made_at, source=source)
    [wheel] = target.glob("*.whl")
    return wheel


def sections() -> dict[str, str]:
    """Returns the text of each section of the CHANGELOG by its version, the newest first."""
    parts = re.split(r"^## (\S+).*\n", CHANGELOG.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {version: text.strip() + "\n" for version, text in zip(parts[::2], parts[1::2], strict=True)}


def notes_of(version: str) -> str:
    """Returns the notes of a version.

    Raises:
        ValueError: the CHANGELOG has no section for it.
    """
    heading = UNRELEASED if ".dev" in version else version
    if heading not in sections():
        raise ValueError(f"CHANGELOG.md has no section '## {heading}'")
    return sections()[heading]


def _build_tool(*arguments: str, epoch: datetime | None = None, source: Path = ROOT) -> str:
    """What hatchling prints. Files in the archives are dated ``epoch``."""
    variables = {**os.environ} | ({"SOURCE_DATE_EPOCH": f"{epoch.timestamp():.0f}"} if epoch else {})
    command = [sys.executable, "-m", "hatchling", *arguments]
    return subprocess.run(
        command, cwd=source, env=variables, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def _committed_at() -> datetime:
    """The time of the commit; that of the CHANGELOG where there is no git."""
    command = ["git", "log", "-1", "--format=%ct"]
    try:
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:
        said = ""
    return datetime.fromtimestamp(int(said) if said else int(CHANGELOG.stat().st_mtime), UTC)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    try:
        made = release(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist")
    except (ValueError, OSError) as error:
        sys.exit(f"release: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"release: {' '.join(error.cmd[1:4])} ended with {error.returncode}")
    print(*made, sep="\n")
