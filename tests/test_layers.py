"""The rooms: what import-linter (``lint-imports``, its contracts in ``pyproject.toml``) cannot say about
imports."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "tianji_core"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract for contract in SETTINGS["contracts"]}
HEAVY = tuple(CONTRACTS["heavy"]["forbidden_modules"])


def room_of(path: Path) -> str:
    """The room of a file: the folder or module below ``tianji_core``, ``pages`` or ``app`` elsewhere."""
    if not path.is_relative_to(CORE):
        return path.relative_to(ROOT).parts[0].removesuffix(".py")
    relative = path.relative_to(CORE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported_by(node: ast.AST) -> set[str]:
    """The modules that an import statement names, those it takes from a package included."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module:
        return {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return set()


def imported_modules(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return set().union(*(imported_by(node) for node in ast.walk(tree)))


def late_imports(path: Path) -> Iterator[str]:
    """The modules that functions of a file import when they are called."""
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                yield from imported_by(node)


SOURCES = sorted(p for p in CORE.rglob("*.py") if "migrations" not in p.parts)
PAGES = [*sorted((ROOT / "pages").rglob("*.py")), ROOT / "app.py"]


def printed(code: str) -> str:
    """What a fresh Python in the checkout prints for a program."""
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    return answer.stdout.strip()


def test_the_contract_names_every_room() -> None:
    named = {room for layer in CONTRACTS["rooms"]["layers"] for room in layer.split(" | ")}
    present = {f"tianji_core.{room_of(path)}" for path in SOURCES} - {"tianji_core.__init__"}
    assert named == present | {"pages"}


def test_contributing_shows_the_order_of_the_contract() -> None:
    order = [layer.replace("tianji_core.", "") for layer in CONTRACTS["rooms"]["layers"]]
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "```\n" + "\n".join(["app.py", *order]) + "\n```" in text


@pytest.mark.parametrize("path", [*SOURCES, *PAGES], ids=lambda p: str(p.relative_to(ROOT)))
def test_what_another_room_gives_is_imported_at_the_head_of_a_file(path: Path) -> None:
    """A room may import its own modules late, as entry points do with those that load torch."""
    mine = room_of(path)
    for module in late_imports(path):
        top, *rest = module.split(".")
        other = rest[0] if top == "tianji_core" and rest else top
        if top in ("app", "pages", "tianji_core"):
            assert other == mine, f"{module} is imported in a function of {path.name}"


@pytest.mark.parametrize("path", [*SOURCES, *PAGES], ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_imports_the_frame(path: Path) -> None:
    assert "app" not in imported_modules(path)


def test_the_frame_speaks_no_sql_and_imports_nothing_heavy() -> None:
    modules = {module.split(".")[0] for module in imported_modules(ROOT / "app.py")}
    assert not modules & {"sqlalchemy", *HEAVY}


def test_no_two_parts_of_pages_have_the_same_file_name() -> None:
    names = [path.name for path in PAGES if path.name not in ("page.py", "__init__.py")]
    assert [name for name in names if names.count(name) > 1] == []


def test_importing_everything_that_pages_import_does_not_load_torch() -> None:
    modules = sorted(
        {
            module
            for path in PAGES
            for module in imported_modules(path)
            if module.startswith("tianji_core") and not module.split(".")[-1][:1].isupper()
        }
    )
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}:\n"
        "    try: importlib.import_module(name)\n"
        "    except ModuleNotFoundError as error:\n"
        "        if not (error.name or '').startswith('tianji_core'): raise\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    assert printed(code) == "[]"


def test_a_class_name_means_one_thing() -> None:
    homes: dict[str, list[str]] = {}
    for path in [*SOURCES, *sorted((ROOT / "pages").rglob("*.py"))]:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_a_worker_of_runs_starts_without_the_rooms_and_clients_that_it_does_not_use() -> None:
    """Processes that write runs come and go; what they load before the first request is time without one."""
    idle = ("tianji_core.training", "tianji_core.cleaning", "tianji_core.dataset", "httpx", "openai")
    code = (
        "import sys\n"
        "from tianji_core.cli import program\n"
        "program(['worker'])\n"
        f"print([name for name in {idle!r} if name in sys.modules])"
    )
    assert printed(code) == "[]"
