"""CSV is read with errors in the person's language, and written so that no cell is a formula."""

import csv
import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.comparison.asks import read_asks
from tianji_core.dataset.reading import bytes_source
from tianji_core.errors import CsvError, StudioError
from tianji_core.recipe import built_in_recipe
from tianji_core.recipe.tables import Listing, read_rows
from tianji_core.spreadsheet import csv_row, csv_rows, plain_cell

ENDLESS = '称谓,场景\n"' + "长" * (csv.field_size_limit() + 1)


def test_a_quote_that_is_never_closed_is_named_with_its_line() -> None:
    with pytest.raises(CsvError, match="第 2 行起有一格超过 131,072 个字符"):
        list(csv_rows(io.StringIO(ENDLESS)))


def test_an_odd_line_break_is_named_with_its_line() -> None:
    with pytest.raises(CsvError, match="第 2 行读不懂"):
        list(csv_rows(["a,b\n", "c\rd,e\n"]))


READERS = {
    "questions": lambda text: read_asks(built_in_recipe("wishes"), "a.csv", text.encode()),
    "a heading of questions": lambda text: read_asks(built_in_recipe("wishes"), "a.csv", text[5:].encode()),
    "a list": lambda text: read_rows(built_in_recipe("wishes"), Listing.NAMES, text),
    "a dataset": lambda text: list(bytes_source(f"input,output{text[5:]}".encode(), "a.csv").items()),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_every_reader_says_so_in_the_language_of_the_person(read: Callable[[str], object]) -> None:
    with pytest.raises(StudioError, match="行起有一格超过 131,072 个字符") as refused:
        read(ENDLESS)
    assert "field" not in str(refused.value)


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1))
def test_a_row_reads_back_as_it_was_and_holds_no_formula(cells: list[str]) -> None:
    ((_line, written),) = csv_rows(io.StringIO(csv_row(cells), newline=""))
    assert [plain_cell(cell) for cell in written] == cells
    assert not any(cell.startswith(tuple("=+-@\t\r\n＝＋－＠")) for cell in written)
