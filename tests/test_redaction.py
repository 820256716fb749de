"""What a report about a problem leaves out of a text: keys wherever they stand, links, what people wrote."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.gate import MASK, remember_secret
from tianji_core.problems.redaction import without_private, without_texts

ENGLISH = "Dear grandma may your porridge be sweet"


@given(
    before=st.text(max_size=8),
    after=st.text(max_size=8),
    name=st.sampled_from(["api_key", "AccessKeySecret", "hf-token", "password", "Cookie", "authorization"]),
    depth=st.integers(0, 3),
    ascii_only=st.booleans(),
)
def test_a_key_in_json_inside_json_goes(before, after, name, depth, ascii_only):
    text = json.dumps({"a": 1, name: f"{before}Xq7Zk{after}Wv3Jp"}, ensure_ascii=ascii_only)
    for _ in range(depth):
        text = json.dumps({"body": text}, ensure_ascii=ascii_only)
    left = without_private(f"before {text}\nafter")
    assert "Xq7Zk" not in left and "Wv3Jp" not in left
    assert left.startswith("before {") and left.endswith("\nafter")


@pytest.mark.parametrize(
    "line",
    [
        "Cookie: a=b; session=SECRET0123; c=SECRET",
        "headers [(b'cookie', b'a=b; session=SECRET0123')]",
        "Authorization: Digest username=x, response=SECRET",
        "secret=b'abc SECRET'",
        "GET /login?one_time=SECRETSECRET",
        f"GET /login?next=share%2F{'0123456789abcdef'}.1790000000.{'SECRET_' * 6}-",
    ],
)
def test_cookies_and_links_go_whole(line):
    assert "SECRET" not in without_private(line)


def test_a_known_key_goes_whole_whatever_it_begins_like():
    known = "sk-abcdefghijkl/MNOPQRSTUVWX=="
    remember_secret(known)
    assert without_private(f"refused {known} here") == f"refused {MASK} here"


def test_of_a_line_of_a_library_the_words_of_libraries_stay():
    kept = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB"
    assert without_texts(kept) == f"{kept}\n"
    written = 'ValueError: my dear Bob said "hi" on page 3 of the file'
    assert without_texts(written) == "ValueError: … '…' on … 3 of the file\n"
    assert without_texts(f"ERROR {ENGLISH} 祝福") == "ERROR …\n"
