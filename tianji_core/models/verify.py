"""``python -m tianji_core.models.verify FOLDER``: loads a model and lets it answer fixed prompts. With
``--base`` and ``--adapter`` it also measures the agreement with the adapter on its base.

Runs in a separate process, so that its memory is freed at the end, and loads one model after the other.
The last line of the output is one JSON object.
"""

import argparse
import gc
import json
import sys
from pathlib import Path
from typing import Any

from tianji_core.model_folders.answering import answer_all, load
from tianji_core.model_folders.messages import ChatMessage
from tianji_core.model_folders.prompt import encode

Forced = list[tuple[list[int], list[int]]]
"""For each prompt, the tokens of the question and of the answer."""


def _asked(tokenizer: Any, template: str, system: str, prompts: list[str]) -> list[list[int]]:
    head = [ChatMessage(role="system", content=system)] if system else []
    return [encode(tokenizer, template, [*head, ChatMessage(role="user", content=text)]) for text in prompts]


def _answers(model: Any, asked: list[list[int]], tokens: int) -> Forced:
    """Returns greedy answers of exactly ``tokens`` tokens: tokens after an end token must agree too."""
    import torch

    forced = []
    with torch.inference_mode():
        for ids in asked:
            row = torch.tensor([ids], device=model.device)
            made = model.generate(
                row,
                attention_mask=torch.ones_like(row),
                min_new_tokens=tokens,
                max_new_tokens=tokens,
                do_sample=False,
                pad_token_id=0,
            )
            forced.append((ids, made[0, len(ids) :].tolist()))
    return forced


def _scores(model: Any, forced: Forced) -> list[Any]:
    """Returns the log-probabilities (answer tokens, vocabulary) of each answer under teacher forcing."""
    import torch

    scores = []
    with torch.inference_mode():
        for ids, answer in forced:
            row = torch.tensor([ids + answer], device=model.device)
            logits = model(row).logits[0, len(ids) - 1 : -1].float()
            scores.append(logits.log_softmax(-1).cpu())
    return scores


def agreement(expected: list[Any], measured: list[Any]) -> tuple[float, float]:
    """Returns the share of positions with the same most likely token, and the mean total variation
    distance of the two distributions (half the sum of absolute differences, 0 to 1)."""
    same = [bool(b) for e, m in zip(expected, measured, strict=True) for b in (e.argmax(-1) == m.argmax(-1))]
    apart = [
        float(d)
        for e, m in zip(expected, measured, strict=True)
        for d in (e.exp() - m.exp()).abs().sum(-1) / 2
    ]
    return sum(same) / len(same), sum(apart) / len(apart)


def main(argv: list[str]) -> int:
    """Prints the result as JSON. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tianji_core.models.verify", description="try a model")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--prompt", action="append", required=True)
    parser.add_argument("--system", default="")
    parser.add_argument("--template", default="internlm2_chat")
    parser.add_argument("--max-tokens", type=int, default=48)
    parser.add_argument("--base", type=Path)
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--trust-remote-code", action="store_true", help="run Python code in the folders")
    given = parser.parse_args(argv)
    result: dict[str, object] = {}
    forced: Forced = []
    if given.base is not None and given.adapter is not None:
        model, tokenizer = load(given.base, given.adapter, given.trust_remote_code)
        asked = _asked(tokenizer, given.template, given.system, given.prompt)
        forced = _answers(model, asked, min(16, given.max_tokens))
        expected = _scores(model, forced)
        del model
        gc.collect()
    model, tokenizer = load(given.folder, None, given.trust_remote_code)
    requests = [
        {"system": given.system, "request": text, "max_tokens": given.max_tokens} for text in given.prompt
    ]
    result["answers"] = answer_all(model, tokenizer, given.template, requests, 0.0, len(requests), 0)
    if forced:
        result["agreement"], result["distance"] = agreement(expected, _scores(model, forced))
    print(json.dumps(result, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
