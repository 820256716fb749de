"""Texts and files as they are kept."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.files import atomic_writer, storable, write_text
from tianji_core.ownership import MARK, claim_folder


@given(st.text(st.characters(), max_size=20))
def test_every_storable_text_is_utf8_without_nul(text: str) -> None:
    kept = storable(text)
    assert "\0" not in kept and kept.encode("utf-8").decode("utf-8") == kept
    assert storable(kept) == kept


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20))
def test_a_sound_text_stays_as_it_is(text: str) -> None:
    assert storable(text) == text


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = claim_folder(tmp_path) / "a.txt"
    write_text(target, "旧")
    with pytest.raises(RuntimeError), atomic_writer(target) as file:
        file.write("新")
        raise RuntimeError
    assert target.read_text(encoding="utf-8") == "旧"
    assert [path.name for path in sorted(tmp_path.iterdir())] == [MARK, "a.txt"]
