"""Every message that passes by is a text of the catalogue, for each of which the test of the catalogue finds
an English one: whatever expression is shown is followed back to where its words stand."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PAGES = Path(__file__).resolve().parents[2] / "pages"
SHOWING = {"toast", "remember_notice", "say_done"}
TRANSLATING = {"_", "_c", "filled"}
PASSING_ON = {"plain", "shown", "stored"}
"""Functions that return the text they are given."""
KNOWN = {
    "step.title": "the step of a review; the test of words undoes and redoes one in both languages",
    "help_": "the title of a step of the recipe, which the test of words undoes and redoes",
    "what": "the note of an edit of the map, from the functions of suitability_map",
    "notice": "what remember_notice has been given before the recipe was switched",
    "text": "what remember_notice and say_done have been given",
    "done": "what say_done, or adapter_menu from the catalogue, has been given",
    "nothing": "what attempt has been given, which is followed back as well",
}
"""Expressions whose words come from elsewhere, each with where that is told."""


class Module:
    """A file of pages: its functions, and the calls in each with the function around them."""

    def __init__(self, path: Path) -> None:
        self.name = str(path.relative_to(PAGES))
        self.functions: dict[str, ast.FunctionDef] = {}
        self.calls: list[tuple[ast.Call, ast.AST]] = []
        tree = ast.parse(path.read_text(encoding="utf-8"))
        self._read(tree, tree)

    def _read(self, node: ast.AST, around: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef):
                self.functions[child.name] = child
            if isinstance(child, ast.Call):
                self.calls.append((child, around))
            self._read(child, child if isinstance(child, ast.FunctionDef) else around)


@cache
def modules() -> list[Module]:
    return [Module(path) for path in sorted(PAGES.rglob("*.py"))]


def called(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def untold(found: ast.expr, around: ast.AST, module: Module) -> Iterator[str]:
    """The parts of an expression that are neither of the catalogue nor known."""
    if ast.unparse(found) in KNOWN or (isinstance(found, ast.Call) and called(found) in TRANSLATING):
        return
    if isinstance(found, ast.Call) and called(found) in PASSING_ON:
        yield from untold(found.args[0], around, module)
    elif isinstance(found, ast.Call) and (inner := module.functions.get(called(found))):
        for node in ast.walk(inner):
            if isinstance(node, ast.Return) and node.value is not None:
                yield from untold(node.value, inner, module)
    elif isinstance(found, ast.IfExp):
        yield from untold(found.body, around, module)
        yield from untold(found.orelse, around, module)
    elif isinstance(found, ast.Name) and (given := list(_values(found.id, around, module))):
        for value, function in given:
            yield from untold(value, function, module)
    elif not (isinstance(found, ast.Constant) and found.value == ""):
        yield f"{module.name}:{found.lineno} {ast.unparse(found)}"


def _values(name: str, around: ast.AST, module: Module) -> Iterator[tuple[ast.expr, ast.AST]]:
    """What is assigned to a name in the function around it, or given for it where it is a parameter of a
    function that only its own file calls."""
    for node in ast.walk(around):
        if isinstance(node, ast.Assign) and any(getattr(to, "id", "") == name for to in node.targets):
            yield node.value, around
    if isinstance(around, ast.FunctionDef) and around.name.startswith("_"):
        names = [argument.arg for argument in around.args.args]
        for call, function in module.calls if name in names else ():
            at = names.index(name)
            if called(call) == around.name and len(call.args) > at:
                yield call.args[at], function


def _shown(call: ast.Call) -> Iterator[ast.expr]:
    """The messages that a call shows, or has shown later."""
    if called(call) in SHOWING and call.args:
        yield call.args[0]
    elif called(call) == "attempt":
        yield from call.args[1:2]
        yield from (keyword.value for keyword in call.keywords if keyword.arg == "nothing")


def test_every_message_that_passes_by_is_in_the_catalogue() -> None:
    faults: list[str] = []
    seen = 0
    for module in modules():
        for call, around in module.calls:
            for shown in _shown(call):
                seen += 1
                faults += untold(shown, around, module)
    assert seen > 80, "the calls are found by the names in SHOWING"
    assert not faults, "\n".join(faults)


def test_words_that_stand_in_the_code_alone_are_found(tmp_path: Path) -> None:
    module = Module(PAGES / "shared" / "frame.py")
    for written in ("'已保存'", "f'已保存 {name}'", "_('已保存') if done else '没有'", "plain('已保存')"):
        (statement,) = ast.parse(f"remember_notice({written})").body
        assert isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
        assert list(untold(statement.value.args[0], statement, module)), written
