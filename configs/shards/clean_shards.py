"""Checks every shard in ``samples`` beside this file by the rules of Tianji Studio, on a Ray cluster where ray
is installed, starts, and this folder is shared, else on the cores of this machine.

Run with ``python clean_shards.py [--fix] [--processes N]``, where ``python`` is one that has Tianji Studio.
Shards that the same version of the studio has checked in the same way are left out; a shard that failed is
named, and the others go on.
"""

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def clean(shard: str, options: list[str]) -> str:
    """Checks one shard in a process of its own; returns what it said where it failed, else ''."""
    command = [sys.executable, "-m", "tianji_core", "clean", "--shard", shard, *options]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if ran.returncode == 0 else f"{shard}: {ran.stderr.strip()}"


def on_ray(shards: list[str], options: list[str]) -> list[str] | None:
    """Checks the shards on a Ray cluster, as :func:`clean` does; None where ray is not installed or does not
    start."""
    try:
        import ray
    except ImportError:
        return None
    try:
        ray.init(ignore_reinit_error=True)
    except Exception as error:  # ray raises plain Exceptions where one of its processes is not there in time
        reason = str(error).strip().splitlines() or [type(error).__name__]
        print(f"Ray did not start ({reason[0]}); the cores of this machine do the work", file=sys.stderr)
        return None
    there = ray.remote(num_cpus=1)(clean)
    said: list[str] = ray.get([there.remote(shard, options) for shard in shards])
    return said


def main() -> int:
    """Checks what is not checked yet; returns 1 where a shard failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fix", action="store_true", help="apply the safe fixes, too")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    sys.path.insert(0, str(Path.cwd()))  # where the processes below find it, too
    from tianji_core.cleaning.shards import is_checked

    options = ["--fix"] if chosen.fix else []
    shards = [
        str(shard)
        for shard in sorted((FOLDER / "samples").glob("*.parquet"))
        if not is_checked(shard, chosen.fix)
    ]
    said = on_ray(shards, options)
    if said is None:
        with ThreadPoolExecutor(chosen.processes) as crew:
            said = list(crew.map(lambda shard: clean(shard, options), shards))
    failed = [line for line in said if line]
    print("\n".join([*failed, f"{len(shards) - len(failed)} of {len(shards)} shards checked"]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
