"""Decode steps as CUDA graphs: one launch replaces some two thousand kernel launches of a 7B model, which
take longer than the kernels. Imported by the server process only."""

import traceback
from dataclasses import dataclass
from typing import Any

import torch

from tianji_core.serving.lora import Adapters
from tianji_core.serving.routing import BASE, Masks
from tianji_core.serving.slab import COLUMNS, Slab, bucket, sent

MOST_ROWS, MOST_COLUMNS = 256, 4096
"""Above these sizes the kernels take longer than their launches, and a graph only costs memory."""


@dataclass(frozen=True)
class Recorded:
    """The graph of one step. A replay reads ``inputs`` (2, B) and writes ``scores`` (B, V)."""

    graph: Any
    inputs: torch.Tensor
    scores: torch.Tensor
    masks: Masks


class Graphs:
    """The graphs of one base and its adapters. Only the decode thread may call it.

    Rows and columns are rounded up as :func:`bucket` says, so that few graphs suffice; surplus rows write to
    unused memory. Graphs refer to fixed addresses: they are recorded again when the slab grows or the
    adapters change.
    """

    def __init__(self, model: Any, adapters: Adapters) -> None:
        self._model = model
        self._adapters = adapters
        self._known: dict[tuple[int, int, bool], Recorded] = {}
        self._stamp: tuple[int, int, int] = (0, 0, 0)
        self._pool: Any = None
        self.usable = model.device.type == "cuda" and not getattr(model, "is_loaded_in_8bit", False)

    @property
    def keep(self) -> int:
        """Bytes of keys and values that stay allocated between requests, so that graphs remain valid: a
        sixteenth of the device memory."""
        if not self.usable:
            return 0
        return int(torch.cuda.get_device_properties(self._model.device).total_memory // 16)

    def forward(self, slab: Slab, tokens: list[int] | torch.Tensor, adapters: list[str]) -> torch.Tensor:
        """Appends one token to every row. Returns the logits of the next token (B, V), valid until the next
        call. Tokens on the device may be still in computation.

        Raises:
            torch.OutOfMemoryError: no space; the rows are as they were.
        """
        rows, width = bucket(len(tokens)), bucket(max(slab.lengths) + 1, COLUMNS)
        if not self.usable or rows > MOST_ROWS or width > MOST_COLUMNS:
            return self._plainly(slab, tokens, adapters)
        try:
            slab.reserve(rows, width)
        except torch.OutOfMemoryError:  # graphs take memory too; a smaller slab may fit without them
            self.clear()
            torch.cuda.empty_cache()
            return self._plainly(slab, tokens, adapters)
        stamp = (id(slab), slab.stamp, self._adapters.stamp)
        if stamp != self._stamp:
            self.clear()
            self._stamp = stamp
        spare = rows - len(tokens)
        self._adapters.route([*adapters, *[BASE] * spare])
        known = [0] * len(tokens) if isinstance(tokens, torch.Tensor) else tokens
        inputs = [[*slab.lengths, *[0] * spare], [*known, *[0] * spare]]
        key = (rows, width, self._adapters.routing.plain)
        step = self._known.get(key)
        if step is None:
            try:
                step = self._known[key] = self._record(slab, inputs, width)
            except torch.OutOfMemoryError:
                self.clear()
                raise
            except RuntimeError as error:
                # The model reads values back to the CPU, so it cannot be captured.
                traceback.print_exception(error)
                print("CUDA graphs are off: this model cannot be recorded", flush=True)
                self.usable = False
                self.clear()
                return self._plainly(slab, tokens, adapters)
        step.inputs.copy_(sent(inputs, self._model.device))
        if isinstance(tokens, torch.Tensor):
            step.inputs[1, : len(tokens)] = tokens
        step.masks.follow()
        step.graph.replay()
        slab.advance()
        return step.scores[: len(tokens)]

    def _plainly(self, slab: Slab, tokens: list[int] | torch.Tensor, adapters: list[str]) -> torch.Tensor:
        self._adapters.route(adapters)
        return slab.forward(self._model, tokens)

    def clear(self) -> None:
        """Drops all graphs and their memory."""
        if self._known:
            torch.cuda.synchronize(self._model.device)  # one may be running
        self._known.clear()
        self._pool = None

    def _record(self, slab: Slab, inputs: list[list[int]], width: int) -> Recorded:
        device = self._model.device
        held = torch.tensor(inputs, device=device)
        side = torch.cuda.Stream(device)
        side.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(side):
            # Libraries initialise themselves in a first pass. Its tokens may be 0; the replay writes over it.
            slab.run(self._model, held[0], held[1], width)
        torch.cuda.current_stream(device).wait_stream(side)
        masks = self._adapters.routing.masks()
        if self._pool is None:
            self._pool = torch.cuda.graph_pool_handle()
        graph = torch.cuda.CUDAGraph()
        here = torch.cuda.current_stream(device)
        try:
            # Other threads may copy adapters to the device during the capture.
            with torch.cuda.graph(graph, pool=self._pool, stream=side, capture_error_mode="thread_local"):
                scores = slab.run(self._model, held[0], held[1], width)
        finally:
            torch.cuda.set_stream(here)  # a failed capture leaves its own stream active
        return Recorded(graph, held, scores, masks)
