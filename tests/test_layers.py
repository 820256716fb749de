"""The rooms: imports point downwards, heavy libraries stay out of the page process, SQL stays in the store."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "tianji_core"
FLOORS = [
    {"errors", "project", "__init__"},
    {"i18n", "files"},
    {"workspace"},
    {"recipe", "drafts"},
    {"store", "jobs"},
    {"teachers"},
    {"model_folders"},
    {
        "advice",
        "generation",
        "dispatch",
        "cleaning",
        "dataset",
        "training",
        "models",
        "serving",
        "evaluation",
        "comparison",
        "review",
    },
    {"verbs"},
    {"cli", "__main__"},
]
DOOR = ("workspace.py", "tianji_core.store.database")
"""The one exception: the workspace opens its own database."""
HEAVY = ("torch", "transformers", "xtuner", "peft", "bitsandbytes", "datasets", "modelscope", "mmengine")


def floor_of(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def imported_modules(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room_of(path: Path) -> str:
    relative = path.relative_to(CORE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


SOURCES = sorted(p for p in CORE.rglob("*.py") if "migrations" not in p.parts)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(CORE)))
def test_imports_point_downwards(path: Path) -> None:
    mine = floor_of(room_of(path))
    for module in imported_modules(path):
        if (path.name, module.removesuffix(".open_engine")) == DOOR:
            continue
        parts = module.split(".")
        if (
            parts[0] == "tianji_core"
            and len(parts) > 1
            and ((CORE / parts[1]).is_dir() or (CORE / f"{parts[1]}.py").exists())
        ):
            assert floor_of(parts[1]) <= mine, f"{path.name} imports {module} from a floor above it"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(CORE)))
def test_core_knows_nothing_of_streamlit_and_only_the_store_of_sql(path: Path) -> None:
    modules = {module.split(".")[0] for module in imported_modules(path)}
    assert "streamlit" not in modules
    if room_of(path) not in ("store", "workspace"):
        assert "sqlalchemy" not in modules


def pages() -> list[Path]:
    return sorted(p for p in (ROOT / "pages").rglob("*.py"))


@pytest.mark.parametrize("path", pages(), ids=lambda p: str(p.relative_to(ROOT)))
def test_pages_speak_no_sql_and_import_nothing_heavy(path: Path) -> None:
    modules = {module.split(".")[0] for module in imported_modules(path)}
    assert not modules & {"sqlalchemy", *HEAVY}


def test_importing_everything_that_pages_import_does_not_load_torch() -> None:
    modules = sorted(
        {
            module
            for path in pages()
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
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert answer.stdout.strip() == "[]"
