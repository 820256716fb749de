"""Answers are those of transformers' ``generate`` with the same logits processors, in float32."""

import json
import random
from typing import Any

import httpx
import pytest
import torch

from tests.serving.conftest import SYSTEM, Folders, Server

TOKENS = 24
PROMPT = (
    f"<s><|im_start|>system\n{SYSTEM}<|im_end|>\n"
    "<|im_start|>user\n祝赵老师生日快乐<|im_end|>\n<|im_start|>assistant\n"
)
BIAS = {12: 4.0, 20: -100.0, 31: 2.5}
ADJUSTED: list[dict[str, Any]] = [
    {"repetition_penalty": 1.7},
    {"presence_penalty": 1.5},
    {"frequency_penalty": 0.9},
    {"frequency_penalty": -2, "presence_penalty": -1},
    {"logit_bias": BIAS},
    {
        "logit_bias": BIAS,
        "repetition_penalty": 1.3,
        "presence_penalty": 0.4,
        "frequency_penalty": 0.6,
    },
]
DRAWN: list[dict[str, Any]] = [
    {},
    {"top_k": 5},
    {"top_k": 1},
    {"min_p": 0.1},
    {"top_p": 0.7},
    {"top_k": 12, "top_p": 0.8, "min_p": 0.02, "temperature": 1.3},
    {"top_k": 7, "min_p": 0.2, "temperature": 0.6, "repetition_penalty": 1.4, "presence_penalty": 1.1},
    {"top_k": -1, "top_p": 0.9, "logit_bias": BIAS, "frequency_penalty": 0.8},
]


class Subtracts:
    """OpenAI's presence and frequency penalty, from the definition in its documentation."""

    def __init__(self, presence: float, frequency: float, prompt: int) -> None:
        self._presence, self._frequency, self._prompt = presence, frequency, prompt

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        counts = torch.bincount(ids[0, self._prompt :], minlength=scores.shape[-1])
        return scores - counts * self._frequency - (counts > 0) * self._presence


class Draws:
    """Leaves one token: the one whose share of the cumulative probabilities holds the next random number."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        line = scores.double().softmax(-1).cumsum(-1)
        token = int((line <= self._random.random() * line[:, -1:]).sum())
        return torch.full_like(scores, -torch.inf).index_fill(1, torch.tensor([token]), 0.0)


@pytest.fixture(scope="module")
def generated(folders: Folders) -> Any:
    """A function that returns what ``generate`` writes."""
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        MinPLogitsWarper,
        RepetitionPenaltyLogitsProcessor,
        SequenceBiasLogitsProcessor,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    tokenizer = AutoTokenizer.from_pretrained(folders.base)
    model = AutoModelForCausalLM.from_pretrained(folders.base, torch_dtype=torch.float32)
    ids = tokenizer(PROMPT, add_special_tokens=False, return_tensors="pt").input_ids
    stops = [2, *tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])]

    def text(options: dict[str, Any], seed: int | None) -> str:
        steps: list[Any] = []
        if bias := options.get("logit_bias"):
            steps.append(SequenceBiasLogitsProcessor({(token,): value for token, value in bias.items()}))
        if penalty := options.get("repetition_penalty"):
            steps.append(RepetitionPenaltyLogitsProcessor(penalty))
        presence, frequency = options.get("presence_penalty", 0.0), options.get("frequency_penalty", 0.0)
        steps.append(Subtracts(presence, frequency, ids.shape[1]))
        if seed is not None:
            steps.append(TemperatureLogitsWarper(float(options.get("temperature", 1.0))))
            if options.get("top_k", 0) > 0:
                steps.append(TopKLogitsWarper(options["top_k"]))
            if options.get("top_p", 1.0) < 1:
                steps.append(TopPLogitsWarper(options["top_p"]))
            if options.get("min_p", 0.0) > 0:
                steps.append(MinPLogitsWarper(options["min_p"]))
            steps.append(Draws(seed))
        out = model.generate(
            ids,
            max_new_tokens=TOKENS,
            do_sample=False,
            eos_token_id=stops,
            pad_token_id=2,
            logits_processor=steps,
        )
        return tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)

    return text


def answered(server: Server, **options: Any) -> str:
    body = {
        "model": "base",
        "messages": [{"role": "user", "content": "祝赵老师生日快乐"}],
        "max_tokens": TOKENS,
        **options,
    }
    return httpx.post(f"{server.url}/chat/completions", json=body, timeout=60).json()["choices"][0][
        "message"
    ]["content"]


@pytest.mark.parametrize("options", ADJUSTED, ids=json.dumps)
def test_greedy_answers_with_penalties_and_bias(server: Server, generated: Any, options: dict) -> None:
    plain = generated({}, None)
    expected = generated(options, None)
    assert answered(server, temperature=0, **options) == expected != plain


@pytest.mark.parametrize("options", DRAWN, ids=json.dumps)
def test_drawn_answers_by_seed(server: Server, generated: Any, options: dict) -> None:
    expected = [generated(options, seed) for seed in range(5)]
    assert [answered(server, seed=seed, **options) for seed in range(5)] == expected
    assert len(set(expected)) == (1 if options.get("top_k") == 1 else 5)


def test_rows_with_different_options_in_one_batch(server: Server, generated: Any) -> None:
    """Each row keeps its own limits, penalties and random numbers."""
    from concurrent.futures import ThreadPoolExecutor

    asked = [(options, seed) for seed in (11, 12) for options in DRAWN]
    expected = [generated(options, seed) for options, seed in asked]
    with ThreadPoolExecutor(len(asked)) as pool:
        said = list(pool.map(lambda each: answered(server, seed=each[1], **each[0]), asked))
    assert said == expected


def test_a_banned_token_never_comes_and_a_wanted_one_always(server: Server) -> None:
    wanted = answered(server, temperature=1, seed=1, logit_bias={12: 100})
    assert len(set(wanted)) == 1 and len(wanted) == TOKENS
    banned = answered(server, temperature=1, seed=1, logit_bias={12: 100, 31: 100})
    assert len(set(banned)) == 2


def test_the_smallest_temperatures_are_greedy(server: Server) -> None:
    greedy = answered(server, temperature=0)
    for temperature in (1e-300, 1e-9, 1e-3):
        assert answered(server, temperature=temperature, seed=3) == greedy
