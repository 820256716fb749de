"""The seam of the training engine: outside its folder nothing knows xtuner's names, forms and files."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_layers import CONTRACTS, PAGES, ROOT, SOURCES
from tianji_core.training import engine

FOLDER = ROOT / "tianji_core/training/xtuner_engine"
FORMER = {
    ROOT / (name.replace(".", "/") + ".py")
    for name in CONTRACTS["engine"]["allowed_importers"]
    if name != engine.__name__
}
"""Modules under whose names configs and scripts of older studios know a class or program of the engine."""
REQUIREMENTS = ROOT / "tianji_core/project.py"
"""Knows how a missing package is installed; xtuner needs an option of pip of its own."""
SEAM = ROOT / "tianji_core/training/engine.py"
ASKING = [path for path in (*SOURCES, *PAGES) if FOLDER not in path.parents and path != SEAM]
OUTSIDE = [path for path in ASKING if path not in (*FORMER, REQUIREMENTS)]
SENTENCE = re.compile(r"[\u4e00-\u9fff]")
"""A text in Chinese is for a person, who may read the engine's name."""
FORMS = (
    *("xtuner", "mmengine"),
    *("SupervisedFinetune", "FastFinetune", "ValidationLossHook", "EvaluateChatHook", "PROMPT_TEMPLATE"),
    *("load_from", "evaluation_freq", "accumulative_counts", "save_total_limit", "evaluation_inputs"),
    *("Iter(train)", "_train_iter", "Sample output", "eval_outputs_", "scalars.json", "vis_data"),
    *("iter_*.pth", "pth_to_hf", "guess_load_checkpoint", "--work-dir", "--launcher"),
)
"""Packages, classes, keys of a config, parts of the log, files and options that are xtuner's."""


def documentation(tree: ast.AST) -> set[int]:
    """The ids of the texts that document: docstrings, and those below a constant."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def texts(path: Path) -> Iterator[str]:
    """The strings with which a module computes."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = documentation(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.value


def names(path: Path) -> Iterator[str]:
    """The names that a module reads and imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.name for alias in node.names)
            yield getattr(node, "module", None) or ""


def found(path: Path) -> set[str]:
    """Those of :data:`FORMS` that a module computes with or imports, sentences for a person aside."""
    computed = [text for text in texts(path) if not SENTENCE.search(text)]
    return {form for form in FORMS for text in (*computed, *names(path)) if form in text}


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(ROOT)))
def test_outside_its_folder_nothing_names_what_is_xtuners(path: Path) -> None:
    assert found(path) == set()


def test_the_engine_itself_has_everything_that_is_looked_for() -> None:
    assert set().union(*(found(path) for path in (*FOLDER.glob("*.py"), *FORMER))) == set(FORMS)


def test_a_former_name_holds_nothing_but_what_it_stands_for() -> None:
    for path in FORMER:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree)
        assert not [each for each in tree.body if isinstance(each, ast.ClassDef | ast.FunctionDef)]


def test_nothing_is_offered_that_nobody_asks_for() -> None:
    asked = set().union(*(names(path) for path in ASKING))
    assert [name for name in engine.__all__ if name not in asked] == []
