"""Times Unsloth: ``run_unsloth.py BASE PACKS.npz MICRO_BATCH CHECKPOINTING BITS DROPOUT STEPS GIGABYTES``.

CHECKPOINTING is ``none``, ``torch`` or ``unsloth`` (offloaded), BITS 16 or 4, GIGABYTES the card's limit or
0.
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("UNSLOTH_DISABLE_STATISTICS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from unsloth import FastLanguageModel  # isort: skip  # it patches what is imported after it
import torch
from timing import CARD, PACKS_A_STEP, Timer, limit_memory, packs
from trl import SFTConfig, SFTTrainer

base, data, micro, checkpointing, bits, dropout, steps, gigabytes = sys.argv[1:9]
limit_memory(float(gigabytes))
dataset = packs(data, int(steps) * PACKS_A_STEP)
length = len(dataset[0]["input_ids"])
model, tokenizer = FastLanguageModel.from_pretrained(
    base,
    max_seq_length=length,
    dtype=torch.bfloat16 if CARD else None,
    load_in_4bit=bits == "4",
    local_files_only=True,
)
model = FastLanguageModel.get_peft_model(
    model,
    r=64,
    lora_alpha=16,
    lora_dropout=float(dropout),
    bias="none",
    use_gradient_checkpointing={"none": False, "torch": True}.get(checkpointing, checkpointing),
    target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    random_state=42,
    max_seq_length=length,
)
settings = SFTConfig(
    output_dir=tempfile.mkdtemp(),
    per_device_train_batch_size=int(micro),
    gradient_accumulation_steps=PACKS_A_STEP // int(micro),
    learning_rate=2e-4,
    lr_scheduler_type="cosine",
    warmup_ratio=0.0,
    max_steps=int(steps),
    logging_steps=1,
    save_strategy="no",
    report_to="none",
    bf16=CARD,
    optim="adamw_torch_fused" if CARD else "adamw_torch",
    max_grad_norm=1.0,
    weight_decay=0.0,
    seed=42,
    dataloader_num_workers=2,
    dataset_kwargs={"skip_prepare_dataset": True},
    max_length=length,
    packing=False,
    remove_unused_columns=False,
)
SFTTrainer(
    model=model,
    processing_class=tokenizer,
    train_dataset=dataset,
    args=settings,
    callbacks=[Timer(PACKS_A_STEP * length)],
).train()
