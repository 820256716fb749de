"""The embedded nano model, LoRA on a CPU: the same as nano_cpu_qlora with a base that is not quantised.

Model: configs/models/nano-base, a few million parameters, part of this repository.
Memory: about 2 GB of RAM, most of it the libraries; no GPU.

Download:  nothing
Launch:    python -m tianji_core train --preset nano-cpu-lora --dataset NAME

float32 throughout: mixed precision needs a GPU. The learning rate is ten times the large models': a model
this small takes it, and one epoch is then enough.
"""

import torch
from datasets import load_dataset
from mmengine.dataset import DefaultSampler
from mmengine.hooks import CheckpointHook, DistSamplerSeedHook, IterTimerHook, LoggerHook, ParamSchedulerHook
from mmengine.optim import CosineAnnealingLR, LinearLR, OptimWrapper
from peft import LoraConfig
from torch.optim import AdamW
from transformers import AutoModelForCausalLM, AutoTokenizer
from xtuner.dataset.map_fns import template_map_fn_factory
from xtuner.engine.hooks import DatasetInfoHook, EvaluateChatHook
from xtuner.engine.runner import TrainLoop

from tianji_core.training.xtuner_engine.cpu import SupervisedFinetune
from tianji_core.training.xtuner_engine.validation import ValidationLossHook
from tianji_core.training.xtuner_engine.whole_samples import collate_whole, whole_samples

# ---- what the studio shows about this preset ----
preset = {
    "title": "纳米模型 LoRA（CPU）",
    "summary": "内置的小模型，不量化；和 QLoRA 的结果对照着看",
    "device": "cpu",
    "method": "lora",
    "dtype": "float32",
    "activation_checkpointing": False,
    "memory_gb": 2,
    "disk_gb": 1,
    "model_id": "",
    "vary_names": 0.5,
    "vary_occasions": 0.5,
    "whole_samples": True,
}

# ---- what a person may change; the studio replaces these lines and nothing else ----
pretrained_model_name_or_path = "configs/models/nano-base"
trust_remote_code = False  # True where the person allowed the code in the model's folder
template = "internlm2_chat"  # xtuner's name of the prompt template; chat and merged model use the same
data_path = "train.json"
validation_path = ""  # a file of the same form that nothing is learnt from; '': no validation loss
max_length = 512  # tokens in one packed sequence
batch_size = 2  # packed sequences in one micro-batch
accumulative_counts = 1  # micro-batches in one optimizer step
max_epochs = 1
lr = 2e-3
weight_decay = 0.0
max_norm = 1.0  # gradient clipping
warmup_ratio = 0.03  # share of the iterations; 0: none
lora_r = 64
lora_alpha = 64
lora_dropout = 0.1
save_steps = 100  # iterations between checkpoints
evaluation_freq = 0  # iterations between sample answers and validation losses; 0: at every checkpoint
save_total_limit = 2  # checkpoints kept, the newest ones
log_interval = 2  # iterations between points of the curve
seed = 42
SYSTEM = "你现在是一个送祝福大师，帮我针对不同人和事情、节日送对应的祝福"
evaluation_inputs = ["祝妹妹生日", "祝李总工作升职,严肃风格", "祝同学中秋节,小红书风格"]
eval_max_new_tokens = 100

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
    use_activation_checkpointing=False,
    llm=dict(
        type=AutoModelForCausalLM.from_pretrained,
        pretrained_model_name_or_path=pretrained_model_name_or_path,
        trust_remote_code=trust_remote_code,
        torch_dtype=torch.float32,
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
    type=whole_samples,
    dataset=dict(type=load_dataset, path="json", data_files=dict(train=data_path)),
    tokenizer=tokenizer,
    max_length=max_length,
    dataset_map_fn=None,
    template_map_fn=dict(type=template_map_fn_factory, template=prompt_template),
    remove_unused_columns=True,
    seed=seed,
    map_num_proc=None,
)

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=0,
    dataset=train_dataset,
    sampler=dict(type=DefaultSampler, shuffle=True),
    collate_fn=dict(type=collate_whole),
)

# ---- optimizer: linear warm-up, then a cosine to zero ----
optim_wrapper = dict(
    type=OptimWrapper,
    optimizer=dict(type=AdamW, lr=lr, betas=(0.9, 0.999), weight_decay=weight_decay),
    clip_grad=dict(max_norm=max_norm, error_if_nonfinite=False),
    accumulative_counts=accumulative_counts,
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
        map_num_proc=None,
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
    dist_cfg=dict(backend="gloo"),
)

visualizer = None
log_level = "INFO"
load_from = None
resume = False
randomness = dict(seed=seed, deterministic=False)
log_processor = dict(by_epoch=False, window_size=10)
