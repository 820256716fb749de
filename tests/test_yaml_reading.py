"""YAML within limits: what a person writes is read, what would fill the memory is one sentence."""

import resource
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.errors import YamlError
from tianji_core.yaml_reading import DEPTH, LARGEST, NODES, parse_yaml, read_yaml

ROOT = Path(__file__).resolve().parents[1]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_as_yaml_is_read_back(value: object) -> None:
    text = yaml.safe_dump(value, allow_unicode=True)
    assert parse_yaml(text, "a.yaml") == yaml.safe_load(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_one_sentence(text: str) -> None:
    try:
        parse_yaml(text, "a.yaml")
    except YamlError as error:
        assert str(error).startswith("a.yaml") and "\n" not in str(error)


@pytest.mark.parametrize("file", sorted((ROOT / "configs").rglob("*.yaml")), ids=lambda path: path.name)
def test_every_config_of_the_studio_is_within_the_limits(file: Path) -> None:
    assert read_yaml(file) == yaml.safe_load(file.read_text(encoding="utf-8"))


def test_anchors_and_merge_keys_work() -> None:
    text = "base: &base {x: 1, y: [1, 2]}\nown: {<<: *base, x: 2}\nlist: [*base, *base]\n"
    assert parse_yaml(text, "a.yaml") == yaml.safe_load(text)


def laughs(levels: int, width: int) -> str:
    """Each level stands ``width`` times for the one before it."""
    lines = ["a0: &a0 [哈, 哈]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels + 1)]
    return "\n".join(lines)


HOSTILE = {
    "many aliases of aliases": (laughs(9, 9), "展开后太大"),
    "aliases of a long text": (f"a: &a {'长' * 100_000}\nb: [{', '.join(['*a'] * 100)}]", "展开后太大"),
    "merged tables of tables": (
        "a0: &a0 {" + ", ".join(f"k{n}: 1" for n in range(1000)) + "}\n"
        "a1: &a1 [" + ", ".join(["*a0"] * 1000) + "]",
        "展开后太大",
    ),
    "an alias inside its own anchor": ("a: &a [1, *a]", "指向它自己"),
    "many items": ("[" + "1," * (NODES + 1) + "]", "展开后太大"),
    "deep lists": ("[" * (DEPTH + 1) + "]" * (DEPTH + 1), "套得太深"),
    "deep lists without an end": ("[" * 100_000, "套得太深"),
    "deep blocks": ("\n".join(" " * n + "a:" for n in range(DEPTH + 2)), "套得太深"),
    "a long text": ("a: " + "长" * LARGEST, "太大"),
    "a number of 5,000 digits": ("9" * 5000, "数字或日期"),
    "a date that does not exist": ("a: 2024-13-45", "数字或日期"),
    "a Python object": ("a: !!python/object/apply:os.system [ls]", "第 1 行"),
}


@pytest.mark.parametrize(("text", "sentence"), HOSTILE.values(), ids=HOSTILE)
def test_what_would_fill_the_memory_is_one_sentence(text: str, sentence: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(YamlError) as refused:
        parse_yaml(text, "a.yaml")
    assert sentence in str(refused.value) and len(str(refused.value)) < 300
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024  # KiB


def test_a_file_names_itself_and_its_line(tmp_path: Path) -> None:
    file = tmp_path / "坏.yaml"
    file.write_text("名字: 好\n特殊: [一\n其他: 二\n", encoding="utf-8")
    with pytest.raises(YamlError, match=r"坏\.yaml 第 3 行不是合法的 YAML"):
        read_yaml(file)
    file.write_text("一: 二\n三: \x07\n", encoding="utf-8")
    with pytest.raises(YamlError, match=r"第 2 行.*控制字符"):
        read_yaml(file)
    for refused in (tmp_path, tmp_path / "没有.yaml"):
        with pytest.raises(YamlError, match="读不了"):
            read_yaml(refused)


def test_nothing_in_the_tree_reads_yaml_without_the_limits() -> None:
    files = [*(ROOT / "tianji_core").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    reading = {
        file.relative_to(ROOT).as_posix()
        for file in files
        if any(word in file.read_text(encoding="utf-8") for word in ("yaml.load(", "yaml.safe_load"))
    }
    assert reading == {"tianji_core/yaml_reading.py"}
