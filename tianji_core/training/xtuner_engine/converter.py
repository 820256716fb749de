"""``python -m tianji_core.training.xtuner_engine.converter <arguments of xtuner's pth_to_hf.py>``: runs
xtuner's own program, for bases that bring code, too."""

import runpy
import sys

from tianji_core.model_folders.foreign_code import prepare_transformers
from tianji_core.training.xtuner_engine.checkpoint_reading import read_every_checkpoint_so
from tianji_core.training.xtuner_engine.health import xtuner_tool
from tianji_core.training.xtuner_engine.quick_xtuner import import_xtuner


def main() -> None:
    """Runs xtuner's pth_to_hf.py in this process."""
    import_xtuner()
    prepare_transformers()
    read_every_checkpoint_so()
    tool = str(xtuner_tool("model_converters/pth_to_hf.py"))
    sys.argv[0] = tool
    runpy.run_path(tool, run_name="__main__")


if __name__ == "__main__":
    main()
