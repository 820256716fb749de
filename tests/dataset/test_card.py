"""The data card has words for whatever may have changed a sample."""

import pytest

from tianji_core.dataset import card
from tianji_core.store.acceptance import CHANGING


@pytest.mark.parametrize("file", card.CARDS)
def test_every_change_of_a_sample_has_its_words(file: str) -> None:
    changed = [["", action, 3] for action in CHANGING]
    text = card._changed({"acceptance": {"changed": changed}}, file)
    assert text.count(" 3") == len(CHANGING)
