"""Takes a decode step of the model server apart: tokens per second of the engine without HTTP, time to launch
a step and to wait for it, and the kernels of one.

``python benchmarks/decode_step.py [--small] [--tokens N]`` answers the 96 requests of
``compare_throughput.py`` at once with a 7.7 B model of random weights, made on the card, and three adapters
of rank 64. ``--small`` uses a tiny model on the CPU, to try the script itself. The last line is one JSON
object.
"""

import argparse
import json
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.compare_throughput import LARGE, MODELS, RANK, SYSTEM, TARGETS, requests
from tianji_core.model_folders.messages import ChatMessage
from tianji_core.model_folders.prompt import encode
from tianji_core.models.nano import nano_base

TINY = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
TINY |= {"intermediate_size": 128, "vocab_size": 4486}
BAR = 7500.0
"""Tokens per second, greedily."""
SAMPLED = 0.7
"""The temperature that is measured beside greedy answers."""


def engine_of(small: bool) -> tuple[Any, Any]:
    """An engine with three adapters, and its tokenizer."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from tianji_core.serving.engine import Engine
    from tianji_core.serving.lora import LoraMatrices

    device = "cpu" if small else "cuda"
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    config = LlamaConfig(**{**LARGE, **(TINY if small else {})}, attn_implementation="sdpa")
    with torch.device(device):
        model = LlamaForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(nano_base())
    engine = Engine(model.eval(), tokenizer, frozenset())
    layers = {path: each for path, each in model.named_modules() if path.rpartition(".")[2] in TARGETS}
    for name in MODELS[1:]:
        pairs = {
            path: LoraMatrices(
                torch.randn(RANK, layer.in_features, device=device) * layer.in_features**-0.5,
                torch.randn(layer.out_features, RANK, device=device) * 0.02,
                0.25,
            )
            for path, layer in layers.items()
        }
        engine.add_adapter(name, pairs).result()
    return engine, tokenizer


def answered(engine: Any, tokenizer: Any, tokens: int, temperature: float = 0.0) -> tuple[float, int]:
    """Answers all requests at once, greedily at temperature 0; returns (seconds, tokens)."""
    from tianji_core.serving.generation import Generation, TextPiece
    from tianji_core.serving.sampling import Drawing

    left, counts = threading.Semaphore(0), []

    def deliver(piece: TextPiece) -> None:
        if piece.finish_reason:
            counts.append(piece.tokens)
            left.release()

    def prompt(text: str) -> list[int]:
        turns = [ChatMessage(role="system", content=SYSTEM), ChatMessage(role="user", content=text)]
        return encode(tokenizer, "internlm2_chat", turns)

    shared = len(prompt(" ")) - 8
    jobs = [
        Generation(
            prompt(text),
            "" if model == "base" else model,
            Drawing(temperature=temperature, seed=0),
            tokens,
            (),
            deliver,
            streamed=False,
            shared=shared,
        )
        for model, text in requests()
    ]
    started = time.perf_counter()
    engine.submit(jobs)
    for _each in jobs:
        left.acquire()
    return time.perf_counter() - started, sum(counts)


def rates_at(engine: Any, tokenizer: Any, tokens: int, temperature: float, small: bool) -> list[float]:
    """The tokens per second of each round, after some to warm up."""
    for _warm in range(1 if small else 3):
        answered(engine, tokenizer, tokens, temperature)
    runs = [answered(engine, tokenizer, tokens, temperature) for _round in range(1 if small else 5)]
    return [count / seconds for seconds, count in runs]


def kernels(engine: Any, tokenizer: Any) -> dict[str, float]:
    """The milliseconds that the kernels of 16 steps and their prompts take, the longest first."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        answered(engine, tokenizer, 16)
    times = {each.key[:60]: each.self_device_time_total / 1000 for each in seen.key_averages()}
    longest = sorted(times.items(), key=lambda item: -item[1])[:20]
    return {name: round(spent, 2) for name, spent in longest}


def main() -> int:
    """Measures and prints."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--tokens", type=int, default=64)
    options = parser.parse_args()
    small = options.small or not torch.cuda.is_available()
    engine, tokenizer = engine_of(small)
    tokens = 4 if small else options.tokens
    rates, sampled = (rates_at(engine, tokenizer, tokens, each, small) for each in (0.0, SAMPLED))
    result = {
        "benchmark": "decode_step",
        "figures": {
            "card": "CPU" if small else torch.cuda.get_device_name(),
            "tokens_per_s": [round(rate) for rate in rates],
            "sampled_tokens_per_s": [round(rate) for rate in sampled],
            "kernels_ms": {} if small else kernels(engine, tokenizer),
        },
        "baseline": None,
        "ratio": round(statistics.median(rates) / BAR, 3),
        "bar": BAR,
        "pass": None if small else statistics.median(rates) >= BAR,
    }
    engine.close()
    print(json.dumps(result))
    return 1 if result["pass"] is False else 0


if __name__ == "__main__":
    sys.exit(main())
