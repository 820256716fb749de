"""``python -m tianji_core.training.try_base``: loads bases exactly as a training does. Each base is one JSON
object on a line of standard input (:class:`~tianji_core.training.base_trials.Asked`); each answer is one on a
line of standard output, a :class:`~tianji_core.training.base_trials.BaseTrial`.

Runs in a process of its own, because it imports torch and may run the base's code.
"""

import importlib
import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from tianji_core.errors import ChatTemplateError
from tianji_core.model_folders.base import checked_base
from tianji_core.model_folders.foreign_code import prepare_transformers
from tianji_core.model_folders.messages import ChatMessage
from tianji_core.model_folders.own_template import ending_of
from tianji_core.model_folders.prompt import encode
from tianji_core.model_folders.quick_imports import import_bitsandbytes, import_transformers, quick_imports
from tianji_core.model_folders.template import END, OWN_TEMPLATE
from tianji_core.training import engine
from tianji_core.training.base_trials import BaseTrial, TrialRequest
from tianji_core.training.cut_base import shorten
from tianji_core.training.trial_faults import BaseFaultError

MODULES = ("torch", "sentencepiece.sentencepiece_model_pb2", "bitsandbytes", "peft", *engine.PACKAGES)
"""Imported first: a package that is installed may still not work."""
_WIDE = 4e9
"""Bytes of weights up to which the trial computes in float32; larger ones keep 16 bits to fit."""
_ALIKE, _ENOUGH = 0.99, 3
"""Rows of the head with a cosine similarity above the first have never been trained where there are as many
as the second: untrained rows stay where they were initialised (Land and Bartolo, 2024, section 3)."""


def broken_module() -> str:
    """Returns what is wrong with the first of :data:`MODULES` that cannot be imported, '' for none."""
    for name in MODULES:
        try:
            importlib.import_module(name)
        except Exception as error:  # a version that does not fit may raise anything
            traceback.print_exc()
            return f"{name}: {_line(error)}"
    return ""


def try_base(asked: TrialRequest) -> BaseTrial:
    """Loads tokenizer and configuration; then, unless only that is asked for, computes one forward pass and
    generates two tokens on the CPU, so that the cache is read once."""
    from transformers import AutoConfig, AutoTokenizer

    started, folder = time.monotonic(), Path(asked.folder)
    step, found = "tokenizer", BaseTrial()
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            str(folder), trust_remote_code=asked.runs_code, padding_side="right"
        )
        found = found.model_copy(update={"tokenizer": type(tokenizer).__name__})
        step = "template"
        if asked.template == OWN_TEMPLATE:
            ending_of(tokenizer)
        step = "config"
        config = AutoConfig.from_pretrained(str(folder), trust_remote_code=asked.runs_code)
        found = found.model_copy(update={"architecture": str(config.model_type)})
        if asked.memory is not None:
            step = "model"
            network, layers = _loaded(folder, config, asked)
            found = found.model_copy(update={"layers": layers})
            step = "answer"
            ids = encode(tokenizer, asked.template, [ChatMessage(role="user", content="祝妹妹生日")])
            text = tokenizer.decode(_answer(network, ids))
            found = found.model_copy(update={"text": text, "end_unlearnt": _unlearnt(network, tokenizer)})
    except BaseFaultError as error:
        return found.model_copy(
            update={"step": step, "problem": _line(error), "fault": error.fault, "facts": error.facts}
        )
    except ChatTemplateError as error:
        facts = {"fault": error.fault, "facts": {"detail": error.detail}}
        return found.model_copy(update={"step": step, "problem": _line(error), **facts})
    except Exception as error:  # code of the base and file formats may raise anything
        traceback.print_exc()
        return found.model_copy(update={"step": step, "problem": _line(error)})
    return found.model_copy(update={"seconds": time.monotonic() - started})


def _loaded(folder: Path, config: Any, asked: TrialRequest) -> tuple[Any, int]:
    """Returns the network, and the number of its layers that were loaded: all of them where their weights fit
    into the memory of ``asked``, else the first."""
    import torch
    from transformers import AutoModelForCausalLM

    size = checked_base(folder).size
    wide = size < _WIDE
    whole = size * (2 if wide else 1) <= (asked.memory or 0)
    layers = shorten(config, sys.maxsize if whole else 1)
    network, info = AutoModelForCausalLM.from_pretrained(
        str(folder),
        config=config,
        trust_remote_code=asked.runs_code,
        torch_dtype=torch.float32 if wide else torch.bfloat16,
        low_cpu_mem_usage=True,
        output_loading_info=True,
    )
    if missing := sorted(info["missing_keys"]):
        raise BaseFaultError("weights", count=len(missing), first=missing[0])
    return network.eval(), layers


def _answer(network: Any, ids: list[int]) -> list[int]:
    import torch

    words = network.get_input_embeddings().weight.shape[0]
    if max(ids) >= words:
        raise BaseFaultError("ids", id=max(ids), rows=words)
    row = torch.tensor([ids])
    with torch.inference_mode():
        logits = network(input_ids=row, attention_mask=torch.ones_like(row)).logits[0, -1]
        if not bool(torch.isfinite(logits).all()):
            raise BaseFaultError("scores")
        made = network.generate(
            row, attention_mask=torch.ones_like(row), max_new_tokens=2, do_sample=False, pad_token_id=ids[0]
        )
    new: list[int] = made[0, len(ids) :].tolist()
    return new


def _unlearnt(network: Any, tokenizer: Any) -> bool:
    """Whether the head's row of the end marker is that of a token that was never trained: zeros, or much like
    several other rows."""
    import torch

    end, head = tokenizer.get_vocab().get(END), network.get_output_embeddings()
    if end is None or head is None or end >= head.weight.shape[0]:
        return False
    rows = head.weight.detach().float()
    lengths = rows.norm(dim=1)
    if float(lengths[end]) <= 1e-6 * float(lengths.median()):
        return True
    alike = (rows @ rows[end]) / (lengths * lengths[end]).clamp(min=1e-12)
    alike[end] = 0.0
    return int(torch.count_nonzero(alike > _ALIKE)) >= _ENOUGH


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]


def main() -> int:
    """Answers every line of standard input; returns the exit code."""
    with quick_imports():
        import_transformers()
        import_bitsandbytes()
        problem = broken_module()
    if not problem:
        prepare_transformers()
    for line in sys.stdin:
        asked = TrialRequest.model_validate_json(line)
        found = BaseTrial(step="modules", problem=problem) if problem else try_base(asked)
        print(json.dumps(found.model_dump(mode="json"), ensure_ascii=False), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
