"""Samples in Parquet shards: out of the workspace, checked by the same rules on other machines, and back to
the samples that they came from."""

from tianji_core.cleaning.shards.checking import check_row, check_shard, is_checked, rules_for
from tianji_core.cleaning.shards.leaving import ROWS, write_shards
from tianji_core.cleaning.shards.returning import Returned, take_back

__all__ = [
    "ROWS",
    "Returned",
    "check_row",
    "check_shard",
    "is_checked",
    "rules_for",
    "take_back",
    "write_shards",
]
