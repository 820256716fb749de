"""InternLM2-Chat-7B learns from preference pairs, DPO with QLoRA on one GPU.

Model: a merged model that was trained from Shanghai_AI_Laboratory/internlm2-chat-7b.
Memory: 12 GB of GPU memory with the values below, reckoned from the shape; 4-bit nf4 base with double
quantisation, fp16 compute. The reference is the same model with its adapter switched off.

Download:  python -m tianji_core download Shanghai_AI_Laboratory/internlm2-chat-7b --trust-remote-code
Launch:    python -m tianji_core train --preset internlm2-chat-7b-dpo-qlora --base MERGED --pairs NAME

Pairs are not packed: one at a time, sixteen to an update. Few updates are enough; the loss on the chosen
answers beside the preference keeps the texts whole.
"""

import torch
from datasets import load_dataset
from mmengine.dataset import DefaultSampler
from mmengine.hooks import CheckpointHook, DistSamplerSeedHook, IterTimerHook, LoggerHook, ParamSchedulerHook
from mmengine.optim import AmpOptimWrapper, CosineAnnealingLR, LinearLR
from peft import LoraConfig
from torch.optim import AdamW
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from xtuner.dataset.collate_fns.preference_collate_fn import preference_collate_fn
from xtuner.dataset.map_fns import template_map_fn_factory
from xtuner.engine.hooks import DatasetInfoHook, EvaluateChatHook
from xtuner.engine.runner import TrainLoop

from tianji_core.evaluation.during import HeldOutQuestions
from tianji_core.training.xtuner_engine.pass_rate import PassRateHook
from tianji_core.training.xtuner_engine.preferences import AnchoredDPO, build_pairs

# ---- what the studio shows about this preset ----
preset = {
    "title": "InternLM2-Chat-7B DPO QLoRA（偏好对）",
    "summary": "在教程的 7B 合并模型上学偏好对，一块 16 GB 显卡",
    "objective": "dpo",
    "device": "cuda",
    "method": "qlora",
    "dtype": "float16",
    "memory_gb": 12,
    "disk_gb": 10,
    "model_id": "Shanghai_AI_Laboratory/internlm2-chat-7b",
}

# ---- what a person may change; the studio replaces these lines and nothing else ----
pretrained_model_name_or_path = "internlm2-chat-7b"
trust_remote_code = False  # True where the person allowed the code in the model's folder
template = "internlm2_chat"  # xtuner's name of the prompt template; chat and merged model use the same
pairs_path = "pairs.json"
questions_path = ""  # a recipe and the styles whose held-out cells are asked for; '': nothing is asked
max_length = 512  # tokens of a question with an answer
batch_size = 1  # pairs in one micro-batch
accumulative_counts = 16  # micro-batches in one optimizer step
max_epochs = 1
lr = 5e-6
beta = 0.1  # how firmly the model is kept to the reference
anchor = 1.0  # weight of the loss on the chosen answers beside the preference; 0: none
weight_decay = 0.0
max_norm = 1.0  # gradient clipping
warmup_ratio = 0.03  # share of the iterations; 0: none
lora_r = 64
lora_alpha = 16
lora_dropout = 0.0
save_steps = 160  # iterations between checkpoints
evaluation_freq = 0  # iterations between sample answers and validation losses; 0: at every checkpoint
save_total_limit = 2  # checkpoints kept, the newest ones
log_interval = 16  # iterations between points of the curve
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
    type=AnchoredDPO,
    beta=beta,
    anchor=anchor,
    use_varlen_attn=False,
    llm=dict(
        type=AutoModelForCausalLM.from_pretrained,
        pretrained_model_name_or_path=pretrained_model_name_or_path,
        trust_remote_code=trust_remote_code,
        torch_dtype=torch.float16,
        quantization_config=dict(
            type=BitsAndBytesConfig,
            load_in_4bit=True,
            load_in_8bit=False,
            llm_int8_threshold=6.0,
            llm_int8_has_fp16_weight=False,
            bnb_4bit_compute_dtype=torch.float16,
            bnb_4bit_use_double_quant=True,
            bnb_4bit_quant_type="nf4",
        ),
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

# ---- data: the pairs have the form that xtuner reads ----
train_dataset = dict(
    type=build_pairs,
    dataset=dict(type=load_dataset, path="json", data_files=dict(train=pairs_path)),
    tokenizer=tokenizer,
    max_length=max_length,
    dataset_map_fn=None,
    template_map_fn=dict(type=template_map_fn_factory, template=prompt_template),
)

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=0,
    dataset=train_dataset,
    sampler=dict(type=DefaultSampler, shuffle=True),
    collate_fn=dict(type=preference_collate_fn, use_varlen_attn=False),
)

# ---- optimizer: linear warm-up, then a cosine to zero ----
optim_wrapper = dict(
    type=AmpOptimWrapper,
    optimizer=dict(type=AdamW, lr=lr, betas=(0.9, 0.999), weight_decay=weight_decay),
    clip_grad=dict(max_norm=max_norm, error_if_nonfinite=False),
    accumulative_counts=accumulative_counts,
    loss_scale="dynamic",
    dtype="float16",
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
        type=PassRateHook,
        questions=dict(type=HeldOutQuestions, path=questions_path),
        tokenizer=tokenizer,
        template=template,
        every_n_iters=evaluation_freq or save_steps,
        max_new_tokens=eval_max_new_tokens,
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
log_processor = dict(
    by_epoch=False,
    custom_cfg=[
        dict(data_src="reward_margin", method_name="mean", window_size=10),
        dict(data_src="reward_acc", method_name="mean", window_size=10),
        dict(data_src="kl", method_name="mean", window_size=10),
    ],
)
