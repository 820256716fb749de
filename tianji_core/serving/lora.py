"""LoRA adapters on a loaded base: each row of a forward pass uses its own. Imported by the server process
only.

The matrices of all adapters are concatenated, so that one product serves a mixed batch. A mask that
includes the scale selects the columns of each row's adapter; rows without an adapter equal the base bit
for bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from tianji_core.errors import ModelError
from tianji_core.i18n import _
from tianji_core.model_folders.adapter import read_adapter_config
from tianji_core.serving.adapter_weights import read_weights
from tianji_core.serving.routing import Columns, Routing


class MisfitError(Exception):
    """The adapter does not fit the base; the message names the difference."""


@dataclass(frozen=True)
class LoraMatrices:
    """The two matrices of one layer: ``down`` (r, in) and ``up`` (out, r), and the scale of their product."""

    down: torch.Tensor
    up: torch.Tensor
    scale: float


class LoraLinear(nn.Module):
    """A linear layer of the base with the adapters that change it."""

    base: nn.Linear

    def __init__(self, base: nn.Linear, routing: Routing, dtype: torch.dtype) -> None:
        super().__init__()
        self.base = base
        self._routing = routing
        self._dtype = dtype
        self._pairs: dict[str, LoraMatrices] = {}
        self._columns: Columns = ()
        self._down = self._up = torch.empty(0)

    @property
    def weight(self) -> torch.Tensor:
        """The base's weight: some models read its type."""
        return self.base.weight

    @property
    def used(self) -> bool:
        """Whether any adapter changes this layer."""
        return bool(self._pairs)

    def put(self, name: str, pair: LoraMatrices | None) -> None:
        """Adds an adapter's matrices, or removes them for None."""
        if pair is None:
            self._pairs.pop(name, None)
        else:
            device = self.base.weight.device
            down, up = (matrix.to(device, self._dtype) for matrix in (pair.down, pair.up))
            self._pairs[name] = LoraMatrices(down, up, pair.scale)
        pairs = self._pairs
        self._columns = tuple((matrix, pair.down.shape[0], pair.scale) for matrix, pair in pairs.items())
        if not pairs:
            self._down = self._up = torch.empty(0)
            return
        self._down = torch.cat([pair.down for pair in pairs.values()])  # (R, in)
        self._up = torch.cat([pair.up for pair in pairs.values()], dim=1).t().contiguous()  # (R, out)
        at = 0  # views, so that no adapter is stored twice
        for matrix, pair in pairs.items():
            rank = pair.down.shape[0]
            views = LoraMatrices(self._down[at : at + rank], self._up[at : at + rank].t(), pair.scale)
            self._pairs[matrix] = views
            at += rank

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps x (B, T, in) to (B, T, out)."""
        out = self.base(x)
        if self._routing.plain:
            return out
        return self._apart(x, out) if x.device.type == "cpu" else self._at_once(x, out)

    def _at_once(self, x: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        """Applies all adapters in two products: on a GPU the launches dominate."""
        mask = self._routing.mask(self._columns, self._down)
        inner = nn.functional.linear(x.to(self._dtype), self._down) * mask  # (B, T, R)
        added = torch.addmm(out.reshape(-1, out.shape[-1]).to(self._dtype), inner.flatten(0, 1), self._up)
        return added.view(out.shape).to(out.dtype)

    def _apart(self, x: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        """Applies each adapter to its own rows, in place: on a CPU the multiplications and copies
        dominate."""
        for name, rows in self._routing.groups.items():
            pair = self._pairs.get(name)
            if pair is None:
                continue
            inputs = x[rows] if isinstance(rows, slice) else x.index_select(0, rows)
            inner = (inputs.flatten(0, -2).to(self._dtype) @ pair.down.t()).mul_(pair.scale)  # (rows × T, r)
            if isinstance(rows, slice) and out.dtype == self._dtype:
                out[rows].view(-1, out.shape[-1]).addmm_(inner, pair.up.t())
                continue
            added = (inner @ pair.up.t()).view(-1, *out.shape[1:]).to(out.dtype)
            if isinstance(rows, slice):
                out[rows] += added
            else:
                out.index_add_(0, rows, added)
        return out


class Adapters:
    """The adapters of one base. Only the decode thread may call it. ``stamp`` changes with the loaded
    adapters."""

    def __init__(self, model: nn.Module, dtype: torch.dtype) -> None:
        self._model = model
        self._dtype = dtype
        self._routing = Routing()
        self._layers: dict[str, LoraLinear] = {}
        self.stamp = 0

    @property
    def names(self) -> list[str]:
        """Names of the loaded adapters."""
        return list(self._routing.names)

    def route(self, rows: list[str]) -> None:
        """Sets the adapter of each row of the next forward pass, :data:`BASE` for none."""
        self._routing.set(rows)

    @property
    def routing(self) -> Routing:
        """The routing that :meth:`route` set."""
        return self._routing

    def add(self, name: str, pairs: dict[str, LoraMatrices]) -> None:
        """Adds all matrices of an adapter, or none.

        Raises:
            RuntimeError: a matrix cannot be put on the device, for example for lack of memory.
        """
        self.stamp += 1
        try:
            for path, pair in pairs.items():
                self._layer(path).put(name, pair)
        except Exception:
            self.remove(name)
            raise
        self._routing.names.append(name)

    def remove(self, name: str) -> None:
        """Removes an adapter and frees its memory. Layers that no adapter uses become plain layers again."""
        if name in self._routing.names:
            self._routing.names.remove(name)
        self.stamp += 1
        self._routing.set([])
        for path, layer in list(self._layers.items()):
            layer.put(name, None)
            if not layer.used:
                self._replace(path, layer.base)
                del self._layers[path]

    def _layer(self, path: str) -> LoraLinear:
        if path not in self._layers:
            base = self._model.get_submodule(path)
            assert isinstance(base, nn.Linear)  # read_adapter accepts no other layer
            self._layers[path] = LoraLinear(base, self._routing, self._dtype)
            self._replace(path, self._layers[path])
        return self._layers[path]

    def _replace(self, path: str, module: nn.Module) -> None:
        parent, _dot, name = path.rpartition(".")
        setattr(self._model.get_submodule(parent), name, module)


def read_adapter(folder: Path, model: nn.Module) -> dict[str, LoraMatrices]:
    """Returns the matrices of the adapter in ``folder`` by the path of their layer.

    Raises:
        ModelError: another kind of adapter, or its files are broken.
        MisfitError: layers or shapes that the model does not have.
    """
    config = read_adapter_config(folder)
    special = config.special()
    if config.peft_type != "LORA" or special:
        what = _("、").join(special) or config.peft_type
        raise ModelError(
            _("{folder} 不是普通的 LoRA 适配器（{what}），请先合并再加载", folder=folder, what=what)
        )
    halves: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in read_weights(folder).items():
        path, _dot, which = key.removeprefix("base_model.model.").removesuffix(".weight").rpartition(".lora_")
        if which not in ("A", "B"):
            raise MisfitError(_("不认识的张量 {key}", key=key[:100]))
        halves.setdefault(path, {})[which] = tensor
    linear = dict(_linear_layers(model))
    targets = {path for path in linear if config.targets(path)}
    if stray := sorted(set(halves) ^ targets):
        raise MisfitError(_("对不上的层如 {key}", key=stray[0]))
    pairs = {}
    for path, both in halves.items():
        base = linear[path]
        if set(both) != {"A", "B"}:
            raise MisfitError(_("{key} 缺了一半", key=path))
        have = (both["B"].shape[0], both["A"].shape[1])
        want = (base.out_features, base.in_features)
        if have != want:
            raise MisfitError(_("{key} 的形状是 {have}，基座是 {want}", key=path, have=have, want=want))
        ranks, rank = {both["A"].shape[0], both["B"].shape[1]}, config.rank(path)
        if ranks != {rank}:
            said = _("、").join(map(str, sorted(ranks)))
            raise MisfitError(_("{key} 的秩是 {have}，配置里写的是 {want}", key=path, have=said, want=rank))
        pairs[path] = LoraMatrices(both["A"], both["B"], config.scale(path))
    return pairs


def _linear_layers(model: nn.Module) -> Iterator[tuple[str, nn.Linear]]:
    """Yields the base's linear layers, also those that carry adapters."""
    for path, module in model.named_modules():
        if isinstance(module, LoraLinear):
            yield path, module.base
        elif isinstance(module, nn.Linear) and not path.endswith(".base"):
            yield path, module
