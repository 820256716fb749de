"""Measures what each locked package takes on disk in this environment, in MB without compiled bytecode, into
``configs/package_sizes.json``: what set-up says before it downloads, and asks of the disk."""

import json
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tianji_core.installing.pins import pins_of, plain_name  # noqa: E402

TABLE = ROOT / "configs" / "package_sizes.json"
LEAST = 0.5
"""MB of a package that is not in the table."""


def measured() -> dict[str, float]:
    """Returns the MB of every package of the locks that is installed here and larger than LEAST."""
    wanted = {pin.name for pin in pins_of("test")}
    sizes: dict[str, float] = {}
    for package in metadata.distributions():
        name = plain_name(package.metadata["Name"])
        files = [Path(str(package.locate_file(file))) for file in package.files or ()]
        blocks = sum(
            4096 * -(-path.stat().st_size // 4096)
            for path in files
            if path.suffix != ".pyc" and path.is_file()
        )
        if name in wanted and blocks / 1e6 > LEAST:
            sizes[name] = round(blocks / 1e6, 1)
    return dict(sorted(sizes.items()))


if __name__ == "__main__":
    TABLE.write_text(json.dumps(measured(), indent=2) + "\n", encoding="utf-8")
