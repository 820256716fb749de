"""Fields side by side that keep their order where a narrow window puts them below each other."""

from collections.abc import Iterator

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def cells(number: int) -> Iterator[DeltaGenerator]:
    """Yields places for fields, ``number`` to a row, without an end. Each row has columns of its own: a phone
    shows all of one column before the next."""
    while True:
        yield from st.columns(number)
