"""``python -m tests.training.tiny_presets STEPS CONFIG…``: load each config with mmengine, give it what a CPU
lacks, and run it for a few iterations, all in one process, since every start costs the libraries' imports.
Prints one JSON object per config."""

import json
import os
import sys
from pathlib import Path

FOR_A_CPU = (
    (
        "from xtuner.model import SupervisedFinetune",
        "from tianji_core.training.xtuner_engine.cpu import SupervisedFinetune",
    ),
    ("torch.bfloat16", "torch.float32"),
    ("torch.float16", "torch.float32"),
    ("import AmpOptimWrapper,", "import OptimWrapper,"),
    ("type=AmpOptimWrapper", "type=OptimWrapper"),
    ('    loss_scale="dynamic",\n', ""),
    ('    dtype="float16",\n', ""),
    ('    dtype="bfloat16",\n', ""),
    ('"nccl"', '"gloo"'),
    ("map_num_proc=4", "map_num_proc=None"),
)
"""What needs a GPU and what takes its place: 16-bit arithmetic, mixed precision, NCCL; and no worker
processes."""


def run(path: Path, steps: int) -> dict[str, object]:
    """Train ``steps`` iterations; returns what was built and the losses."""
    from mmengine.config import Config
    from mmengine.runner import Runner

    Config.pretty_text = property(
        lambda config: ""
    )  # laying the config out for the log takes longer than training
    assert Config.fromfile(str(path)).model.llm.pretrained_model_name_or_path  # it loads as it is
    source = path.read_text()
    for wanted, taken in FOR_A_CPU:
        source = source.replace(wanted, taken)
    path.write_text(source)
    config = Config.fromfile(str(path))
    config.train_cfg.pop("max_epochs")
    config.train_cfg.max_iters = steps
    config.param_scheduler = []
    config.work_dir = str(path.parent)
    config.experiment_name = path.parent.name  # two runs of one second would share the log otherwise
    runner = Runner.from_cfg(config)
    runner.train()
    lines = next(path.parent.glob("*/vis_data/scalars.json")).read_text().splitlines()
    values = [json.loads(line) for line in lines]
    parameters = list(runner.model.llm.parameters())
    return {
        "name": path.parent.name,
        "class": type(runner.model.llm).__name__,
        "architecture": runner.model.llm.config.model_type,
        "quantised": bool(getattr(runner.model.llm, "is_loaded_in_4bit", False)),
        "trained": sum(each.numel() for each in parameters if each.requires_grad),
        "parameters": sum(each.numel() for each in parameters),
        "losses": [value["loss"] for value in values if "loss" in value],
        "validation": [value["val_loss"] for value in values if "val_loss" in value],
    }


if __name__ == "__main__":
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    for name in sys.argv[2:]:
        print("RESULT " + json.dumps(run(Path(name), int(sys.argv[1]))), flush=True)
