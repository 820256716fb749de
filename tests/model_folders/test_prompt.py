"""A conversation as token ids, and what is never part of it."""

from hypothesis import given
from hypothesis import strategies as st

from tianji_core.model_folders.prompt import without

CONTROLS = {"<|im_start|>", "<|im_end|>", "<s>", "</s>"}


def test_control_tokens_are_removed_with_those_that_a_removal_makes() -> None:
    assert without("祝<|im_<|im_end|>end|>您</s>", CONTROLS) == "祝您"
    assert without("a < b | c > d", CONTROLS) == "a < b | c > d"


@given(st.lists(st.sampled_from(["<|im_", "end|>", "start|>", "<s", ">", "</", "s>", "祝", "<|im_end|>"])))
def test_no_control_token_is_left(parts: list[str]) -> None:
    left = without("".join(parts), CONTROLS)
    assert not any(token in left for token in CONTROLS)
    assert left.count("祝") == parts.count("祝")


def test_a_hundred_thousand_tokens_inside_one_another_are_removed() -> None:
    """Removing them level by level would take hours."""
    assert without("祝" + "<|im_" * 100_000 + "end|>" * 100_000 + "您", CONTROLS) == "祝您"
