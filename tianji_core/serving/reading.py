"""Processes prompts: several in one pass, equal prompts once, and shared prefixes only the first time.
Imported by the server process only."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache

from tianji_core.serving.batch import Layers, can_batch, layers_of
from tianji_core.serving.generation import BatchRow, Generation
from tianji_core.serving.lora import Adapters
from tianji_core.serving.prefixes import LEAST, MOST, Key, Prefixes, stacked


@dataclass(frozen=True)
class ReadPrompts:
    """Processed prompts. ``layers`` (k, H, T, D) holds the first ``prefix`` tokens at the left end and the
    others at the right; it is None where the model's ``cache`` cannot be batched. ``scores`` (k, V) are
    the logits of the next token."""

    rows: list[BatchRow]
    layers: Layers | None
    prefix: int
    cache: Any
    scores: torch.Tensor


def prefix_of(job: Generation, beginnings: bool) -> int:
    """The number of tokens at the beginning of a prompt that are computed once for all that share them."""
    shared = job.shared if beginnings and LEAST <= job.shared <= MOST else 0
    return min(shared, len(job.prompt) - 1)


class Reader:
    """Processes prompts with one base and its adapters. Only the decode thread may call it."""

    def __init__(self, model: Any, adapters: Adapters) -> None:
        self._model = model
        self._adapters = adapters
        self._prefixes = Prefixes()
        # Only the last position's logits are needed; older remote code always computes all.
        accepted = inspect.signature(model.forward).parameters
        self._options = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}

    def clear(self) -> None:
        """Drops all cached prefixes."""
        self._prefixes = Prefixes()

    def missing(self, job: Generation, beginnings: bool) -> set[Key]:
        """The shared prefix of a prompt if it has to be computed first; empty otherwise."""
        prefix = prefix_of(job, beginnings)
        key = (job.adapter, tuple(job.prompt[:prefix]))
        return {key} if prefix and self._prefixes.get(key) is None else set()

    def scores_of(self, row: BatchRow) -> torch.Tensor:
        """Returns the logits (1, V) of the next token of a row, computed from its tokens alone."""
        self._adapters.route([row.job.adapter])
        ids = torch.tensor([row.job.prompt + row.ids], device=self._model.device)
        return self._model(input_ids=ids, use_cache=False, **self._options).logits[:, -1]

    def read(self, rows: list[BatchRow], beginnings: bool) -> Iterator[ReadPrompts]:
        """Processes the prompts of rows. ``beginnings`` False uses no shared prefixes, because the model's
        caches cannot be joined."""
        by_length: dict[int, list[BatchRow]] = {}
        for row in rows:
            by_length.setdefault(prefix_of(row.job, beginnings), []).append(row)
        for prefix, group in by_length.items():
            yield from self._read_after(prefix, group)

    def _beginnings(self, keys: list[Key]) -> Layers:
        """Returns the cached prefixes of one length; computes those that are missing."""
        known = {key: self._prefixes.get(key) for key in dict.fromkeys(keys)}
        missing = [key for key, layers in known.items() if layers is None]
        if missing:
            ids = torch.tensor([tokens for _adapter, tokens in missing], device=self._model.device)
            self._adapters.route([adapter for adapter, _tokens in missing])
            out = self._model(input_ids=ids, use_cache=True, **self._options)
            read = layers_of(out.past_key_values)
            for at, key in enumerate(missing):
                known[key] = [(k[at].clone(), v[at].clone()) for k, v in read]
                self._prefixes.put(key, known[key] or [])
        return stacked([known[key] or [] for key in keys])

    def _read_after(self, prefix: int, rows: list[BatchRow]) -> Iterator[ReadPrompts]:
        """Processes prompts whose first ``prefix`` tokens are shared prefixes. Rows of one adapter come to
        lie together."""
        device = self._model.device
        rows = sorted(rows, key=lambda row: row.job.adapter)
        keys = [(row.job.adapter, tuple(row.job.prompt)) for row in rows]
        places = {key: at for at, key in enumerate(dict.fromkeys(keys))}
        rests = [prompt[prefix:] for _adapter, prompt in places]
        width = max(len(rest) for rest in rests)
        more: dict[str, Any] = {}
        if prefix:
            begun = self._beginnings([(adapter, prompt[:prefix]) for adapter, prompt in places])
            more["past_key_values"] = DynamicCache.from_legacy_cache(tuple(begun))
        if prefix or any(len(rest) < width for rest in rests):
            lengths = torch.tensor([len(rest) for rest in rests], device=device)
            at = torch.arange(width, device=device) - (width - lengths[:, None])  # (B, T)
            known = torch.ones(len(rests), prefix, dtype=torch.long, device=device)
            more["attention_mask"] = torch.cat([known, (at >= 0).long()], dim=1)
            more["position_ids"] = at.clamp(min=0) + prefix
        out = self._pass([adapter for adapter, _prompt in places], rests, width, more)
        if not can_batch(out.past_key_values):
            yield from self._apart(rows, out)
            return
        chosen = [places[key] for key in keys]
        layers = layers_of(out.past_key_values)
        if chosen != list(range(len(places))):
            layers = [(k[chosen], v[chosen]) for k, v in layers]
        yield ReadPrompts(rows, layers, prefix, out.past_key_values, out.logits[:, -1][chosen])

    def _apart(self, rows: list[BatchRow], out: Any) -> Iterator[ReadPrompts]:
        """Processes one row per pass; ``out`` is the result for a single row."""
        for row in rows:
            if len(rows) > 1:
                prompt = tuple(row.job.prompt)
                out = self._pass([row.job.adapter], [prompt], len(prompt), {})
            yield ReadPrompts([row], None, 0, out.past_key_values, out.logits[:, -1])

    def _pass(
        self, adapters: list[str], prompts: list[tuple[int, ...]], width: int, more: dict[str, Any]
    ) -> Any:
        padded = [(0,) * (width - len(prompt)) + prompt for prompt in prompts]
        self._adapters.route(adapters)
        ids = torch.tensor(padded, device=self._model.device)
        return self._model(input_ids=ids, use_cache=True, **more, **self._options)
