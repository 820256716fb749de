"""``python -m tianji_core.training.xtuner_engine.load_check FILE``: checks whether mmengine loads a training
config.

The file is code and runs here, in a process of its own. The last line of the output says what is wrong, or
:data:`~tianji_core.training.xtuner_engine.commands.LOADED`; an exit code alone is not enough, as the file may
end the process itself.
"""

import contextlib
import sys
import traceback

from tianji_core.training.xtuner_engine.commands import LOADED, MISSING

MOST_OUTPUT = 64 * 1024 * 1024
"""Bytes that the file may write, so that an endless print fills no disk."""
NEEDED = ("model", "train_dataloader", "optim_wrapper", "train_cfg")


def main(path: str) -> int:
    """Load one config; returns the exit code."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # not on every system
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_OUTPUT, MOST_OUTPUT))
    from mmengine.config import Config

    try:
        config = Config.fromfile(path)
        missing = [name for name in NEEDED if name not in config]
    except (Exception, SystemExit, RecursionError) as error:  # whatever code of a person raises
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
        where = f"line {frames[-1].lineno}: " if frames else ""
        print(f"{where}{type(error).__name__}: {' '.join(str(error).split())}")
        return 1
    if missing:
        print(f"{MISSING}{', '.join(missing)}")
        return 1
    print(f"\n{LOADED}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
