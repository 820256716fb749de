"""Batched answers of a model folder. A subprocess entry: ``python -m tianji_core.model_folders.answering``
reads one JSON object from standard input and writes some to standard output, one a line.

Input: ``{"model", "adapter", "requests": [{"system", "request", "max_tokens", "history"}],
"temperatures", "batch", "seed", "top_p", "threads", "runs_code"}``.
``history`` holds the turns before a request as [asked, answered] and may be left out;
``top_p`` is None for the model's own.

Output: a line ``{"answered": ..., "total": ...}`` after each batch, and at the end
``{"answers": [[...]], "seconds": ...}``, a list of answers for each temperature.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tianji_core.model_folders.base import checked_base
from tianji_core.model_folders.foreign_code import prepare_transformers
from tianji_core.model_folders.manifest import read_manifest
from tianji_core.model_folders.messages import ChatMessage
from tianji_core.model_folders.own_sampling import USUAL_TOP_P, usual_top_p
from tianji_core.model_folders.prompt import encode, stop_tokens
from tianji_core.model_folders.quick_imports import import_bitsandbytes

SMALL = 4e9
"""Bytes of weights up to which a CPU computes in float32; larger models keep 16 bits to fit."""


def load(model: Path, adapter: Path | None, runs_code: bool) -> tuple[Any, Any]:
    """(model, tokenizer) on the first GPU or the CPU; the adapter is put on top of the base, not merged."""
    prepare_transformers()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(model), trust_remote_code=runs_code)
    gpu = torch.cuda.is_available()
    wide = not gpu and checked_base(model).size < SMALL
    network = AutoModelForCausalLM.from_pretrained(
        str(model),
        trust_remote_code=runs_code,
        torch_dtype=torch.float32 if wide else torch.bfloat16,
        low_cpu_mem_usage=True,
    )
    if adapter is not None:
        import_bitsandbytes()
        from peft import PeftModel

        network = PeftModel.from_pretrained(network, str(adapter))
    return network.to("cuda" if gpu else "cpu").eval(), tokenizer


def answer_all(
    model: Any,
    tokenizer: Any,
    template: str,
    requests: Sequence[Mapping[str, Any]],
    temperature: float,
    batch: int,
    seed: int,
    on_batch: Callable[[int], None] = lambda _done: None,
    top_p: float = USUAL_TOP_P,
) -> list[str]:
    """One answer per request, in their order, of at most its ``max_tokens`` tokens. Requests of similar
    length share a batch; temperature 0 is greedy, above it ``top_p`` counts. ``template`` is the one the
    model was trained with, as in its manifest; ``on_batch`` gets the number of answers so far after every
    batch."""
    import torch

    torch.manual_seed(seed)
    tokenizer.padding_side = "left"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    prompts = [_prompt(tokenizer, template, request) for request in requests]
    stop = sorted(stop_tokens(tokenizer, model.generation_config.eos_token_id))
    sampling = (
        {"do_sample": True, "temperature": temperature, "top_p": top_p}
        if temperature > 0
        else {"do_sample": False}
    )
    order = sorted(range(len(prompts)), key=lambda i: (requests[i]["max_tokens"], len(prompts[i])))
    answers = [""] * len(prompts)
    with torch.inference_mode():
        for at in range(0, len(order), batch):
            chosen = order[at : at + batch]
            batched = {"input_ids": [prompts[i] for i in chosen]}
            encoded = tokenizer.pad(batched, padding=True, return_tensors="pt").to(model.device)
            made = model.generate(
                input_ids=encoded["input_ids"],
                attention_mask=encoded["attention_mask"],
                max_new_tokens=max(requests[i]["max_tokens"] for i in chosen),
                eos_token_id=stop,
                pad_token_id=tokenizer.pad_token_id,
                **sampling,
            )
            for i, ids in zip(chosen, made[:, encoded["input_ids"].shape[1] :], strict=True):
                answers[i] = tokenizer.decode(ids, skip_special_tokens=True).strip()
            on_batch(min(at + batch, len(order)))
    return answers


def _prompt(tokenizer: Any, template: str, request: Mapping[str, Any]) -> list[int]:
    """The token ids that the model server would make of the same request."""
    messages: list[ChatMessage] = []
    for asked, answered in request.get("history", ()):
        messages += [ChatMessage(role="user", content=asked), ChatMessage(role="assistant", content=answered)]
    messages.append(ChatMessage(role="user", content=request["request"]))
    if request.get("system"):
        messages.insert(0, ChatMessage(role="system", content=request["system"]))
    return encode(tokenizer, template, messages)


def _template(model: Path, adapter: Path | None) -> str:
    own = read_manifest(adapter).template if adapter is not None else ""
    return own or read_manifest(model).template


def main() -> int:
    """Answer the requests on standard input."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    asked = json.load(sys.stdin)
    import torch

    if asked.get("threads"):
        torch.set_num_threads(int(asked["threads"]))
    adapter = Path(asked["adapter"]) if asked.get("adapter") else None
    model, tokenizer = load(Path(asked["model"]), adapter, bool(asked.get("runs_code")))
    started = time.monotonic()
    template = _template(Path(asked["model"]), adapter)
    options = int(asked["batch"]), int(asked["seed"])
    top_p = asked.get("top_p") or usual_top_p(Path(asked["model"]))
    requests = asked["requests"]
    answers: list[list[str]] = []
    total = len(requests) * len(asked["temperatures"])

    def tell(done: int) -> None:
        print(json.dumps({"answered": len(answers) * len(requests) + done, "total": total}), flush=True)

    for temperature in asked["temperatures"]:
        answers.append(
            answer_all(model, tokenizer, template, requests, float(temperature), *options, tell, top_p)
        )
    json.dump({"answers": answers, "seconds": time.monotonic() - started}, sys.stdout, ensure_ascii=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
