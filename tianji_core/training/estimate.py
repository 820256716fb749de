"""How many iterations a training will have, computed before it starts and without torch."""

import json
import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tianji_core.errors import DatasetError
from tianji_core.i18n import _
from tianji_core.model_folders.template import OWN_TEMPLATE, TEMPLATES, declared_tokens
from tianji_core.training.packing import order, whole_packs
from tianji_core.training.settings import TrainingSettings

SAMPLED = 400
"""Conversations that are tokenized; the total is scaled from their mean."""
TOKENS_PER_CHARACTER = 0.7
"""Of Chinese text under the InternLM2 vocabulary; used where no tokenizer can be read without torch."""


_OWN_FRAME, _OWN_MARKS = "{system}\n{input}\n{output}", 12
"""A tokenizer's own template cannot be rendered without transformers: the text alone, and about as many
further tokens as the usual templates write."""


@dataclass(frozen=True)
class IterationEstimate:
    """``samples`` conversations of ``tokens`` tokens become ``packs`` packed sequences and ``iterations``
    micro-batches per process, with ``steps`` optimizer steps. ``exact`` is False where no tokenizer could be
    read. ``cut`` is the share of conversations longer than a packed sequence, which lose their end.
    ``lengths`` are those of the sampled conversations, in tokens."""

    samples: int
    tokens: int
    packs: int
    iterations: int
    steps: int
    exact: bool
    cut: float
    lengths: tuple[int, ...] = ()


def read_training_file(path: Path) -> list[dict[str, str]]:
    """The turns of a training file (system, input, output).

    Raises:
        DatasetError: the file is missing or has another form; names the entry.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DatasetError(_("训练文件 {file} 不见了", file=path)) from error
    except (ValueError, UnicodeDecodeError) as error:
        raise DatasetError(_("训练文件 {file} 不是 UTF-8 的 JSON", file=path)) from error
    if not isinstance(entries, list):
        raise DatasetError(_("训练文件 {file} 应该是一个列表", file=path))
    turns = []
    for number, entry in enumerate(entries, start=1):
        conversation = entry.get("conversation") if isinstance(entry, dict) else None
        if not isinstance(conversation, list) or not conversation:
            raise DatasetError(_("训练文件 {file} 第 {n} 条没有 conversation", file=path, n=number))
        for turn in conversation:
            if not isinstance(turn, dict) or not all(
                isinstance(turn.get(k), str) for k in ("input", "output")
            ):
                raise DatasetError(_("训练文件 {file} 第 {n} 条缺少 input 或 output", file=path, n=number))
            turns.append(
                {"system": turn.get("system") or "", "input": turn["input"], "output": turn["output"]}
            )
    return turns


def estimate(
    turns: list[dict[str, str]], settings: TrainingSettings, world: int = 1, whole: bool = False
) -> IterationEstimate:
    """The size of a training on these turns in ``world`` processes. As in xtuner, the last incomplete pack is
    dropped, and each process takes its share of the packs, rounded up, so that all have the same number of
    iterations. ``whole``: packs cut no sample, and none is dropped."""
    count = _token_counter(settings.base_folder)
    drawn = turns if len(turns) <= SAMPLED else random.Random(0).sample(turns, SAMPLED)
    own = settings.template == OWN_TEMPLATE
    frame = _OWN_FRAME if own else TEMPLATES[settings.template].frame
    texts = [frame.format_map(turn) for turn in drawn]
    lengths = (
        [count(text) + (_OWN_MARKS if own else 1) for text in texts]
        if count
        else [math.ceil(len(t) * TOKENS_PER_CHARACTER) for t in texts]
    )
    cut = sum(length > settings.max_length for length in lengths) / len(lengths) if lengths else 0.0
    mean = sum(min(length, settings.max_length) for length in lengths) / len(lengths) if lengths else 0.0
    tokens = round(mean * len(turns))
    packs = max(1, tokens // settings.max_length) if tokens else 0
    if whole and lengths:
        room = settings.max_length
        kept = [min(length, room) for length in lengths]
        filled = len(whole_packs(order(kept, settings.seed), room))
        packs = math.ceil(filled * len(turns) / len(lengths))
    iterations = math.ceil(math.ceil(packs / world) / settings.batch_size) * settings.epochs
    return IterationEstimate(
        samples=len(turns),
        tokens=tokens,
        packs=packs,
        iterations=iterations,
        steps=math.ceil(iterations / settings.accumulation),
        exact=count is not None,
        cut=cut,
        lengths=tuple(lengths),
    )


def _token_counter(folder: Path) -> Callable[[str], int] | None:
    if (folder / "tokenizer.json").exists():
        from tokenizers import Tokenizer

        try:
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception:  # the Rust library raises bare Exception for a file it cannot read
            return None
        return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
    if (folder / "tokenizer.model").exists():
        from sentencepiece import SentencePieceProcessor

        try:
            processor = SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
        except (RuntimeError, OSError):
            return None
        # The model's file does not know the tokens that its configuration adds; each of them is one token.
        longest_first = sorted(filter(None, declared_tokens(folder)), key=len, reverse=True)
        whole = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")
        return lambda text: (
            len(whole.findall(text)) + sum(len(processor.encode(part)) for part in whole.split(text) if part)
        )
    return None


def fitted(settings: TrainingSettings, iterations: int) -> tuple[TrainingSettings, list[str]]:
    """The settings fitted to a short training, and a sentence for each change. A warm-up that truncates to
    zero iterations would stop xtuner; a log or save interval beyond the end would leave nothing to see."""
    changes: dict[str, object] = {}
    notes = []
    if 0 < settings.warmup_ratio * iterations < 2:
        changes["warmup_ratio"] = 0.0
        notes.append(_("一共只有约 {n} 步，预热不足 2 步，已自动关掉预热", n=iterations))
    points = max(1, iterations // 10)
    if settings.log_interval > points:
        changes["log_interval"] = points
        notes.append(_("一共只有约 {n} 步，记录间隔自动改为每 {m} 步", n=iterations, m=points))
    if settings.save_interval > max(1, iterations):
        changes["save_interval"] = max(1, iterations)
        notes.append(_("一共只有约 {n} 步，只在结束时保存一个检查点", n=iterations))
    if settings.eval_interval > max(1, iterations):
        changes["eval_interval"] = max(1, iterations)
        notes.append(_("一共只有约 {n} 步，只在开始和结束时试写与验证", n=iterations))
    return settings.model_copy(update=changes), notes
