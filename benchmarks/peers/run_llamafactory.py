"""Times LLaMA-Factory: ``run_llamafactory.py BASE PACKS.npz MICRO_BATCH CHECKPOINTING BITS DROPOUT STEPS
GIGABYTES``, as ``run_unsloth.py``."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("DISABLE_VERSION_CHECK", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from datasets import DatasetDict
from llamafactory.train.tuner import run_exp
from timing import CARD, PACKS_A_STEP, Timer, limit_memory, packs

base, data, micro, checkpointing, bits, dropout, steps, gigabytes = sys.argv[1:9]
limit_memory(float(gigabytes))
dataset = packs(data, int(steps) * PACKS_A_STEP)
length = len(dataset[0]["input_ids"])
work = Path(tempfile.mkdtemp())
DatasetDict({"train": dataset}).save_to_disk(str(work / "packs"))
settings: dict[str, Any] = {
    "stage": "sft",
    "do_train": True,
    "model_name_or_path": base,
    "finetuning_type": "lora",
    "lora_target": "all",
    "lora_rank": 64,
    "lora_alpha": 16,
    "lora_dropout": float(dropout),
    "dataset": "none",
    "tokenized_path": str(work / "packs"),
    "template": "intern2",
    "cutoff_len": length,
    "output_dir": str(work / "out"),
    "per_device_train_batch_size": int(micro),
    "gradient_accumulation_steps": PACKS_A_STEP // int(micro),
    "learning_rate": 2e-4,
    "lr_scheduler_type": "cosine",
    "warmup_ratio": 0.0,
    "max_steps": int(steps),
    "logging_steps": 1,
    "save_strategy": "no",
    "bf16": CARD,
    "report_to": "none",
    "flash_attn": "sdpa",
    "enable_liger_kernel": CARD,
    "disable_gradient_checkpointing": checkpointing == "none",
    "use_unsloth_gc": checkpointing == "unsloth",
    "max_grad_norm": 1.0,
    "weight_decay": 0.0,
    "seed": 42,
    "dataloader_num_workers": 2,
    "trust_remote_code": False,
    "plot_loss": False,
}
if bits == "4":
    settings |= {"quantization_bit": 4, "quantization_method": "bnb", "double_quantization": True}
if not CARD:
    settings["use_cpu"] = True
run_exp(settings, callbacks=[Timer(PACKS_A_STEP * length)])
