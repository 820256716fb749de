"""训练设置: what a person may change about a training, with units and bounds."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from tianji_core.i18n import _
from tianji_core.model_folders.built_in import base_here
from tianji_core.model_folders.template import CHOICES, TEMPLATE
from tianji_core.training.mix_parts import MOST_PARTS, MixPart, check_parts

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]

LONGEST_NAME = 255
"""Bytes of a folder's name on the usual file systems."""
LORA_FIELDS = ("lora_r", "lora_alpha", "lora_dropout")
"""The settings that a preset for all parameters does not have."""
PAIRS_FIELDS = ("beta", "anchor")
"""The settings that only presets have which learn from preference pairs."""


class TrainingSettings(BaseModel):
    """The values of one training. ``base`` is a model folder; an iteration is one micro-batch."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    base: str = Field(min_length=1, max_length=1000)
    """Folder of the base model; the built-in one where this installation has it."""
    template: str = TEMPLATE
    """One of :data:`~tianji_core.model_folders.template.CHOICES`; chat and merged model must use the same."""
    learning_rate: float = Field(gt=0, le=100)
    """Peak learning rate of AdamW."""
    epochs: int = Field(ge=1, le=100)
    """Passes over the training file."""
    batch_size: int = Field(ge=1, le=256)
    """Packed sequences in one micro-batch."""
    accumulation: int = Field(ge=1, le=1024)
    """Micro-batches in one optimizer step."""
    max_length: int = Field(ge=64, le=32768)
    """Tokens in one packed sequence; longer samples are cut."""
    lora_r: int = Field(default=64, ge=1, le=1024)
    """Rank of the LoRA matrices."""
    lora_alpha: int = Field(default=16, ge=1, le=4096)
    """LoRA scale: the update is multiplied by alpha / rank."""
    lora_dropout: float = Field(default=0.1, ge=0, lt=1)
    """Dropout before the LoRA matrices, a probability."""
    warmup_ratio: float = Field(ge=0, lt=1)
    """Share of the iterations in which the learning rate rises; 0 means none."""
    weight_decay: float = Field(ge=0, le=1)
    """AdamW weight decay."""
    max_norm: float = Field(gt=0, le=1000)
    """Gradients are clipped to this norm."""
    save_interval: int = Field(ge=1, le=1_000_000)
    """Iterations between checkpoints."""
    eval_interval: int = Field(default=0, ge=0, le=1_000_000)
    """Iterations between trial answers and validation losses; 0: at every checkpoint."""
    keep_checkpoints: int = Field(ge=1, le=100)
    """How many of the newest checkpoints stay."""
    log_interval: int = Field(ge=1, le=10_000)
    """Iterations between two points of the curve."""
    curves: Literal["", "tensorboard", "swanlab"] = ""
    """The program that gets the curves, too; '' for none."""
    seed: int = Field(ge=0, le=2**32 - 1)
    """Seed of shuffling and of the LoRA matrices."""
    samples: int = Field(default=0, ge=0, le=100_000_000)
    """Samples to learn from, drawn from the training file; 0: all."""
    vary_names: float = Field(default=0, ge=0, le=1)
    """Share of samples that get a receiver which no list holds, for this training alone."""
    vary_occasions: float = Field(default=0, ge=0, le=1)
    """Share of samples that get an occasion which no list holds, for this training alone."""
    pairs: str = Field(default="", max_length=60)
    """The version of preference pairs that a preset for pairs learns from."""
    beta: float = Field(default=0.1, gt=0, le=10)
    """ORPO: weight of the preference. DPO: how firmly the model is kept to the reference."""
    anchor: float = Field(default=1.0, ge=0, le=100)
    """DPO: weight of the loss on the chosen answers beside the preference."""
    mix: tuple[MixPart, ...] = Field(default=(), max_length=MOST_PARTS)
    """Further dataset versions to learn from, for this training alone."""
    profile: str = ""
    """How the card is used: '' as the preset is written, 'auto' by the card's memory, or the key of a
    profile."""
    system: str = Field(max_length=4000)
    """System prompt of the trial prompts; the training file carries its own."""
    eval_prompts: list[Line] = Field(min_length=1, max_length=20)
    """Prompts answered at each checkpoint."""
    eval_tokens: int = Field(ge=1, le=2048)
    """Longest answer to a trial prompt, in tokens."""

    @field_validator("base")
    @classmethod
    def _a_path(cls, value: str) -> str:
        if "\n" in value or "\0" in value:
            raise ValueError(_("文件夹路径里不能有换行"))
        if any(len(part.encode(errors="replace")) > LONGEST_NAME for part in Path(value).parts):
            raise ValueError(_("里有太长的文件夹名"))
        try:
            folder = Path(value).expanduser()
        except RuntimeError as error:
            raise ValueError(_("里的 ~ 找不到对应的用户文件夹")) from error
        here = base_here(folder)
        return value if here == folder else str(here)

    @field_validator("template")
    @classmethod
    def _known_template(cls, value: str) -> str:
        if value not in CHOICES:
            raise ValueError(_("要是其中之一：{names}", names=_("、").join(CHOICES)))
        return value

    @field_validator("mix")
    @classmethod
    def _shares_leave_something(cls, value: tuple[MixPart, ...]) -> tuple[MixPart, ...]:
        check_parts(value)
        return value

    @property
    def base_folder(self) -> Path:
        """The base model's folder as a path."""
        return Path(self.base).expanduser()


def field_title(name: str) -> str:
    """A setting's name for people, with its unit."""
    return {
        "base": _("基座模型文件夹"),
        "template": _("对话模板"),
        "profile": _("性能档位"),
        "learning_rate": _("学习率"),
        "epochs": _("轮数（遍）"),
        "batch_size": _("微批大小（条打包序列）"),
        "accumulation": _("梯度累积（微批）"),
        "max_length": _("序列长度（token）"),
        "lora_r": _("LoRA 秩"),
        "lora_alpha": _("LoRA alpha"),
        "lora_dropout": _("LoRA dropout（概率）"),
        "warmup_ratio": _("预热占比（0–1）"),
        "weight_decay": _("权重衰减"),
        "max_norm": _("梯度裁剪（范数）"),
        "save_interval": _("保存间隔（步）"),
        "eval_interval": _("试写与验证间隔（步）"),
        "keep_checkpoints": _("保留检查点（个）"),
        "log_interval": _("记录间隔（步）"),
        "curves": _("曲线也写给"),
        "seed": _("随机种子"),
        "samples": _("样本数"),
        "vary_names": _("换人（0–1）"),
        "vary_occasions": _("换事（0–1）"),
        "pairs": _("偏好对版本"),
        "beta": _("偏好强度 beta"),
        "anchor": _("锚定权重"),
        "mix": _("混入别的数据集"),
        "system": _("试写用的系统提示词"),
        "eval_prompts": _("试写输入（每行一条）"),
        "eval_tokens": _("试写最长（token）"),
    }[name]


def short_title(name: str) -> str:
    """A setting's name for people, without its unit."""
    bare = {
        "epochs": _("轮数"),
        "batch_size": _("微批大小"),
        "accumulation": _("梯度累积"),
        "max_length": _("序列长度"),
        "lora_dropout": "LoRA dropout",
        "warmup_ratio": _("预热占比"),
        "max_norm": _("梯度裁剪"),
        "vary_names": _("换人"),
        "vary_occasions": _("换事"),
    }
    return bare.get(name) or field_title(name)


def field_help(name: str) -> str:
    """One sentence on what a setting does."""
    return {
        "base": _("config.json、分词器和全部权重分片都要在里面"),
        "template": _(
            "训练、对话和合并都要用同一个；InternLM2 用 internlm2_chat，通义千问用 qwen_chat（ChatML，不带思考），"
            "Llama 3 用 llama3_chat，其他模型用 tokenizer（分词器自带的）"
        ),
        "profile": _("怎样用显卡：照预设写的，按显存自动选，或指定一档；学到的东西和有效批大小不变"),
        "learning_rate": _("峰值；7B 用 2e-4，纳米模型用 2e-3。损失发散就调小"),
        "epochs": _("短文本通常 1 遍就够，多了会背训练集"),
        "batch_size": _("显存不够先把它降到 1，再加大梯度累积"),
        "accumulation": _("累积这么多个微批才更新一次参数"),
        "max_length": _("多条样本拼成这么长的一条；显存不够可以减半"),
        "lora_r": _("越大越能学，适配器也越大"),
        "lora_alpha": _("更新量乘以 alpha ÷ 秩"),
        "lora_dropout": _("防止过拟合，0 表示不用"),
        "warmup_ratio": _("学习率从 0 升到峰值所占的步数比例"),
        "weight_decay": _("LoRA 微调一般为 0"),
        "max_norm": _("梯度范数超过它就缩小"),
        "save_interval": _("每隔这么多步存一个检查点"),
        "eval_interval": _("每隔这么多步回答一遍试写输入，并在验证集上算一次损失；0 表示和保存间隔一样"),
        "keep_checkpoints": _("只留最新的几个，旧的自动删除"),
        "log_interval": _("每隔这么多步在曲线上记一个点"),
        "curves": _("TensorBoard 打开这次训练的文件夹就能看；SwanLab 只写在本机，要上传再用它自己的命令"),
        "seed": _("相同种子得到相同的打乱顺序"),
        "samples": _("只用训练文件里抽出的这么多条，看多少样本够用；0 表示全部"),
        "vary_names": _("这么多样本里的人换成名单外的同类，模型才会照着输入写；0 表示不换"),
        "vary_occasions": _("这么多样本里的事换成名单外的同类；换了会不对的样本不动"),
        "pairs": _("学哪个版本的偏好对：同一个问题的两个回答，一个选中、一个没选"),
        "beta": _("ORPO：偏好占多重；DPO：多大程度贴着没练之前的模型"),
        "anchor": _("DPO 之外照着选中的回答再学多少；0 表示不学，容易把话练坏"),
        "mix": _("按份额混入别的数据集版本，例如普通对话，让模型不忘原来会的；留作评测的题目还是训练自己的"),
        "system": _("训练文件里每条样本自带系统提示词，这里只影响试写"),
        "eval_prompts": _("训练前和每个检查点都会回答这些输入，便于看变化"),
        "eval_tokens": _("每条试写最多生成多少 token"),
    }[name]


MAIN_FIELDS = ("learning_rate", "epochs", "batch_size", "accumulation", "max_length", "save_interval")
"""The settings a person changes most; the rest go into an expander."""
