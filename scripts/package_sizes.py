"""Measures what each locked package takes on disk in this environment, in MB without compiled bytecode, into
``configs/package_sizes.json``: what set-up says before it downloads, and asks of the disk. What is locked for
other systems, or not installed here, keeps its size. The arguments are the environments of other programs,
whose packages are measured by their versions."""

import json
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tianji_core.installing.pins import PARTS, plain_name, read_lock  # noqa: E402

TABLE = ROOT / "configs" / "package_sizes.json"
LEAST = 0.5
"""MB of a package that is not in the table."""


def measured(environment: Path | None = None) -> dict[str, float]:
    """Returns the MB of every package that is installed here, or in another environment as NAME==VERSION."""
    sizes: dict[str, float] = {}
    folders = (
        [str(path) for path in environment.glob("lib/python*/site-packages")] if environment else sys.path
    )
    for package in metadata.distributions(path=folders):
        name = plain_name(package.metadata["Name"]) + (f"=={package.version}" if environment else "")
        files = [Path(str(package.locate_file(file))) for file in package.files or ()]
        blocks = sum(
            4096 * -(-path.stat().st_size // 4096)
            for path in files
            if path.suffix != ".pyc" and path.is_file()
        )
        sizes[name] = round(blocks / 1e6, 1)
    return sizes


def merged(before: dict[str, float], here: dict[str, float]) -> dict[str, float]:
    """Returns the sizes of before, renewed by those measured here: the packages of the locks that are larger
    than LEAST."""
    locked = {pin.name for files in PARTS.values() for file in files for pin in read_lock(ROOT / file)}
    servers = [pin for file in (ROOT / "configs" / "serving").glob("*.lock") for pin in read_lock(file)]
    locked |= {f"{pin.name}=={pin.version}" for pin in servers}
    sizes = {name: size for name, size in {**before, **here}.items() if name in locked and size > LEAST}
    return dict(sorted(sizes.items()))


if __name__ == "__main__":
    known = json.loads(TABLE.read_text(encoding="utf-8"))
    here = measured()
    for folder in sys.argv[1:]:
        here |= measured(Path(folder))
    TABLE.write_text(json.dumps(merged(known, here), indent=2) + "\n", encoding="utf-8")
