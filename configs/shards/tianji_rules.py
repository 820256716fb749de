"""The rules of Tianji Studio as an operator of Data-Juicer (``python_file_mapper`` in ``data_juicer.yaml``)."""

from functools import cache
from pathlib import Path

from tianji_core.cleaning import Context
from tianji_core.cleaning.shards import check_row, rules_for


@cache
def _context() -> Context:
    return rules_for(Path(__file__).resolve().parent)


def check(sample: dict) -> dict:
    """Returns a row with what the rules find in it."""
    return check_row(sample, _context())


def fix(sample: dict) -> dict:
    """Returns a row after the safe fixes, with what the rules still find in it."""
    return check_row(sample, _context(), fix=True)
