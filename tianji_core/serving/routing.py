"""The adapter of each row of a forward pass, as masks over the columns of concatenated matrices. Imported
by the server process only."""

from dataclasses import dataclass, field

import torch

Columns = tuple[tuple[str, int, float], ...]
"""(adapter, its rank, its scale) of each part of concatenated matrices."""

BASE = ""
"""Adapter name of a row without an adapter."""


@dataclass
class Routing:
    """The adapter of each row of the next forward pass, shared by all layers of a model. ``plain`` is True
    when no row uses an adapter; ``groups`` are the rows of each adapter, a slice where they lie together."""

    names: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    plain: bool = True
    groups: dict[str, torch.Tensor | slice] = field(default_factory=dict)
    _masks: dict[Columns, torch.Tensor] = field(default_factory=dict)

    def set(self, rows: list[str]) -> None:
        """Sets the adapters of the next pass, one name per row."""
        if rows == self.rows:
            return
        self.rows = rows
        self.plain = not any(rows)
        self._masks.clear()
        self.groups = {
            name: _together([at for at, row in enumerate(rows) if row == name])
            for name in dict.fromkeys(rows)
            if name
        }

    def mask(self, columns: Columns, like: torch.Tensor) -> torch.Tensor:
        """Returns a mask (B, 1, R): the scale where a column belongs to the row's adapter, else 0. Layers
        of one shape share it."""
        mask = self._masks.get(columns)
        if mask is None:
            self._masks[columns] = mask = self._made(columns, like)
        return mask

    def masks(self) -> "Masks":
        """Returns copies of the masks that the last pass used. :meth:`Masks.follow` rewrites them for
        other rows."""
        # Two graphs for the same rows must not share masks, or one would overwrite those of the other.
        self._masks = {columns: mask.clone() for columns, mask in self._masks.items()}
        return Masks(self, dict(self._masks))

    def _made(self, columns: Columns, like: torch.Tensor) -> torch.Tensor:
        places = {row: place for place, row in enumerate(dict.fromkeys(self.rows))}
        lines = [
            [value for name, rank, scale in columns for value in [scale * (name == row)] * rank]
            for row in places
        ]
        table = torch.tensor(lines, device=like.device, dtype=like.dtype)  # (kinds of rows, R)
        return table[torch.tensor([places[row] for row in self.rows], device=like.device)][:, None, :]


def _together(rows: list[int]) -> torch.Tensor | slice:
    """Rising numbers of rows, as a slice where none is missing between them."""
    first, after = rows[0], rows[-1] + 1
    return slice(first, after) if after - first == len(rows) else torch.tensor(rows)


@dataclass
class Masks:
    """Masks at fixed addresses, for captured passes."""

    routing: Routing
    held: dict[Columns, torch.Tensor]
    rows: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = self.routing.rows

    def follow(self) -> None:
        """Rewrites the masks for the rows of the next pass."""
        if self.rows != self.routing.rows:
            for columns, mask in self.held.items():
                mask.copy_(self.routing.mask(columns, mask))
            self.rows = self.routing.rows
