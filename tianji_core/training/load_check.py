"""``python -m tianji_core.training.load_check FILE``: whether mmengine loads a training config. The file is code and runs
here, in a process of its own; the last line of the output says what is wrong."""

import sys

NEEDED = ("model", "train_dataloader", "optim_wrapper", "train_cfg")


def main(path: str) -> int:
    """Load one config; returns the exit code."""
    from mmengine.config import Config

    try:
        config = Config.fromfile(path)
        missing = [name for name in NEEDED if name not in config]
    except Exception as error:  # whatever code of a person raises
        print(f"{type(error).__name__}: {' '.join(str(error).split())}")
        return 1
    if missing:
        print(f"missing: {', '.join(missing)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
