"""InternLM2-Chat-7B, LoRA in bf16 on one large GPU.

Model: Shanghai_AI_Laboratory/internlm2-chat-7b on ModelScope, 15 GB on disk.
Memory: 38 GB of GPU memory (reckoned from the shape). xtuner keeps a base that is not quantised in float32
while LoRA matrices are trained, so its weights take four bytes each.

Download:  python -m tianji_core download Shanghai_AI_Laboratory/internlm2-chat-7b --trust-remote-code
Launch:    python -m tianji_core train --preset internlm2-chat-7b-lora --dataset NAME

Needs a card that computes in bf16 (compute capability 8.0 or newer). One epoch is usually enough for
blessings; more of them makes the model repeat its training file.
"""

import torch
from datasets import load_dataset
from mmengine.dataset import DefaultSampler
from mmengine.hooks import CheckpointHook, DistSamplerSeedHook, IterTimerHook, LoggerHook, ParamSchedulerHook
from mmengine.optim import AmpOptimWrapper, CosineAnnealingLR, LinearLR
from peft import LoraConfig
from torch.optim import AdamW
from transformers import AutoModelForCausalLM, AutoTokenizer
from xtuner.dataset import process_hf_dataset
from xtuner.dataset.collate_fns import default_collate_fn
from xtuner.dataset.map_fns import template_map_fn_factory
from xtuner.engine.hooks import DatasetInfoHook, EvaluateChatHook
from xtuner.engine.runner import TrainLoop
from xtuner.model import SupervisedFinetune

from tianji_core.training.xtuner_engine.validation import ValidationLossHook

# ---- what the studio shows about this preset ----
preset = {
    "title": "InternLM2-Chat-7B LoRA（bf16）",
    "summary": "不量化，学得更准；一块 48 GB 以上、支持 bf16 的显卡",
    "device": "cuda",
    "method": "lora",
    "dtype": "bfloat16",
    "memory_gb": 38,
    "disk_gb": 10,
    "model_id": "Shanghai_AI_Laboratory/internlm2-chat-7b",
}

# ---- what a person may change; the studio replaces these lines and nothing else ----
pretrained_model_name_or_path = "internlm2-chat-7b"
trust_remote_code = False  # True where the person allowed the code in the model's folder
template = "internlm2_chat"  # xtuner's name of the prompt template; chat and merged model use the same
data_path = "train.json"
validation_path = ""  # a file of the same form that nothing is learnt from; '': no validation loss
max_length = 2048  # tokens in one packed sequence
batch_size = 1  # packed sequences in one micro-batch
accumulative_counts = 16  # micro-batches in one optimizer step
max_epochs = 1
lr = 2e-4
weight_decay = 0.0
max_norm = 1.0  # gradient clipping
warmup_ratio = 0.03  # share of the iterations; 0: none
lora_r = 64
lora_alpha = 16
lora_dropout = 0.1
save_steps = 500  # iterations between checkpoints
evaluation_freq = 0  # iterations between sample answers and validation losses; 0: at every checkpoint
save_total_limit = 2  # checkpoints kept, the newest ones
log_interval = 10  # iterations between points of the curve
seed = 42
SYSTEM = "你现在是一个送祝福大师，帮我针对不同人和事情、节日送对应的祝福"
evaluation_inputs = ["祝妹妹生日", "祝李总工作升职,严肃风格", "祝同学中秋节,小红书风格"]
eval_max_new_tokens = 300

# ---- model ----
prompt_template = "xtuner.utils.PROMPT_TEMPLATE." + template

tokenizer = dict(
    type=AutoTokenizer.from_pretrained,
    pretrained_model_name_or_path=pretrained_model_name_or_path,
    trust_remote_code=trust_remote_code,
    padding_side="right",
)

model = dict(
    type=SupervisedFinetune,
    use_varlen_attn=False,
    llm=dict(
        type=AutoModelForCausalLM.from_pretrained,
        pretrained_model_name_or_path=pretrained_model_name_or_path,
        trust_remote_code=trust_remote_code,
        torch_dtype=torch.bfloat16,
    ),
    lora=dict(
        type=LoraConfig,
        r=lora_r,
        lora_alpha=lora_alpha,
        lora_dropout=lora_dropout,
        bias="none",
        task_type="CAUSAL_LM",
    ),
)

# ---- data: the training file already has the shape xtuner wants, so nothing maps it ----
train_dataset = dict(
    type=process_hf_dataset,
    dataset=dict(type=load_dataset, path="json", data_files=dict(train=data_path)),
    tokenizer=tokenizer,
    max_length=max_length,
    dataset_map_fn=None,
    template_map_fn=dict(type=template_map_fn_factory, template=prompt_template),
    remove_unused_columns=True,
    shuffle_before_pack=True,
    pack_to_max_length=True,
    use_varlen_attn=False,
    map_num_proc=4,
)

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=0,
    dataset=train_dataset,
    sampler=dict(type=DefaultSampler, shuffle=True),
    collate_fn=dict(type=default_collate_fn, use_varlen_attn=False),
)

# ---- optimizer: linear warm-up, then a cosine to zero ----
optim_wrapper = dict(
    type=AmpOptimWrapper,
    optimizer=dict(type=AdamW, lr=lr, betas=(0.9, 0.999), weight_decay=weight_decay),
    clip_grad=dict(max_norm=max_norm, error_if_nonfinite=False),
    accumulative_counts=accumulative_counts,
    dtype="bfloat16",
)

param_scheduler = [
    dict(
        type=CosineAnnealingLR,
        eta_min=0.0,
        by_epoch=True,
        begin=warmup_ratio * max_epochs,
        end=max_epochs,
        convert_to_iter_based=True,
    ),
]
if warmup_ratio > 0:
    param_scheduler.insert(
        0,
        dict(
            type=LinearLR,
            start_factor=1e-5,
            by_epoch=True,
            begin=0,
            end=warmup_ratio * max_epochs,
            convert_to_iter_based=True,
        ),
    )

train_cfg = dict(type=TrainLoop, max_epochs=max_epochs)

# ---- runtime ----
custom_hooks = [
    dict(type=DatasetInfoHook, tokenizer=tokenizer),
    dict(
        type=EvaluateChatHook,
        tokenizer=tokenizer,
        every_n_iters=evaluation_freq or save_steps,
        evaluation_inputs=evaluation_inputs,
        system=SYSTEM,
        prompt_template=prompt_template,
        max_new_tokens=eval_max_new_tokens,
    ),
    dict(
        type=ValidationLossHook,
        data_path=validation_path,
        tokenizer=tokenizer,
        prompt_template=prompt_template,
        max_length=max_length,
        every_n_iters=evaluation_freq or save_steps,
        map_num_proc=4,
    ),
]

default_hooks = dict(
    timer=dict(type=IterTimerHook),
    logger=dict(type=LoggerHook, log_metric_by_epoch=False, interval=log_interval),
    param_scheduler=dict(type=ParamSchedulerHook),
    checkpoint=dict(
        type=CheckpointHook, by_epoch=False, interval=save_steps, max_keep_ckpts=save_total_limit
    ),
    sampler_seed=dict(type=DistSamplerSeedHook),
)

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0),
    dist_cfg=dict(backend="nccl"),
)

visualizer = None
log_level = "INFO"
load_from = None
resume = False
randomness = dict(seed=seed, deterministic=False)
log_processor = dict(by_epoch=False)
