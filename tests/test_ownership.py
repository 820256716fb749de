"""Only what the studio made is removed, moved or replaced."""

import ast
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tianji_core import ownership
from tianji_core.errors import InputError, StudioError
from tianji_core.files import write_text
from tianji_core.workspace import Workspace, open_workspace

ROOT = Path(__file__).resolve().parents[1]
GATE = ROOT / "tianji_core" / "ownership.py"


def everything(folder: Path) -> dict[str, object]:
    """Path → content, target or kind of everything below a folder."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            shown: object = ("link", path.readlink())
        elif path.is_file():
            shown = path.read_bytes()
        else:
            shown = stat.S_IFMT(path.lstat().st_mode)
        found[str(path.relative_to(folder))] = shown
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A person's folder: files, a folder, links, a pipe."""
    folder = tmp_path / "home"
    (folder / "photos").mkdir(parents=True)
    (folder / "photos" / "a.jpg").write_bytes(b"jpg")
    (folder / "letter.txt").write_text("dear", encoding="utf-8")
    (folder / "empty").mkdir()
    (folder / "link").symlink_to(folder / "photos")
    (folder / "link.txt").symlink_to(folder / "letter.txt")
    (folder / "nowhere").symlink_to(folder / "missing")
    (folder / "circle").symlink_to(folder / "circle")
    os.mkfifo(folder / "pipe")
    return folder


PLACES = (
    "photos",
    "photos/a.jpg",
    "letter.txt",
    "empty",
    "link",
    "link.txt",
    "nowhere",
    "circle",
    "pipe",
    ".",
)
WAYS = (
    "{home}/{place}",
    "{home}/photos/../{place}",
    "{own}/../home/{place}",
    "{link}/{place}",
    "{own}/link/{place}",
)
ACTIONS = ("remove", "discard", "move", "replace", "put_new", "write_text", "new_folder", "claim_folder")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(ACTIONS), st.sampled_from(WAYS), st.sampled_from(PLACES)),
        min_size=1,
        max_size=6,
    )
)
def test_nothing_of_a_person_is_ever_changed(
    home: Path, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str]]
) -> None:
    """Whatever is asked for, by whatever way the path is written."""
    before = everything(home)
    root = tmp_path_factory.mktemp("way")
    own = ownership.new_folder(home.parent / f"own-{root.name}")
    link = root / "link"
    link.symlink_to(home)
    (own / "link").symlink_to(home)
    for action, way, place in steps:
        path = Path(way.format(home=home, own=own, link=link, place=place))
        draft = own / ".draft.part"
        draft.write_text("the studio's", encoding="utf-8")
        try:
            if action == "move":
                ownership.move(path, own / "taken")
            elif action in ("replace", "put_new"):
                getattr(ownership, action)(draft, path)
            elif action == "write_text":
                write_text(path, "the studio's")
            else:
                getattr(ownership, action)(path)
        except (StudioError, OSError):
            pass
        (home / "empty" / ownership.MARK).unlink(missing_ok=True)  # an empty folder may be taken on demand
        assert everything(home) == before, (action, path)
    assert own.is_dir()


@pytest.mark.parametrize("make_link", [False, True])
def test_a_folder_that_the_studio_made_goes_and_what_its_links_name_stays(
    tmp_path: Path, home: Path, make_link: bool
) -> None:
    before = everything(home)
    made = ownership.new_folder(tmp_path / "made")
    (made / "deep").mkdir()
    (made / "deep" / "file").write_text("x", encoding="utf-8")
    if make_link:
        (made / "deep" / "link").symlink_to(home)
    ownership.remove(made / "deep")
    assert not (made / "deep").exists()
    ownership.remove(made)
    assert not made.exists() and everything(home) == before


def test_a_workspace_and_a_persons_folder_in_it_are_never_removed(workspace: Workspace) -> None:
    mine = workspace.models / "mine"
    mine.mkdir()
    (mine / "weights.bin").write_bytes(b"w")
    for path in (workspace.home, workspace.models, mine):
        with pytest.raises(InputError, match="不是工坊建的"):
            ownership.remove(path)
        ownership.discard(path)
    assert (mine / "weights.bin").read_bytes() == b"w"


def test_a_room_of_the_workspace_may_lie_on_another_disk(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "models").symlink_to(tmp_path / "disk")
    space = open_workspace(tmp_path / "workspace")
    made = ownership.new_folder(space.models / "made")
    write_text(space.models / "list.json", "1")
    write_text(space.models / "list.json", "2")
    ownership.remove(made)
    ownership.remove(space.models / "list.json")
    assert list((tmp_path / "disk").iterdir()) == []


def test_moving_does_not_replace(tmp_path: Path) -> None:
    for kind in ("file", "empty", "link"):
        source = ownership.new_folder(tmp_path / f"from-{kind}")
        target = tmp_path / kind
        if kind == "file":
            target.write_text("kept", encoding="utf-8")
        elif kind == "empty":
            target.mkdir()
        else:
            target.symlink_to(tmp_path / "missing")
        with pytest.raises(InputError, match="已经有了"):
            ownership.move(source, target)
        assert source.is_dir() and os.path.lexists(target)


REMOVING = {"rmtree", "unlink", "rmdir", "removedirs", "rename", "renames", "copyfile", "copy2"}
"""Names of functions of ``os``, ``shutil`` and ``Path`` that remove or may replace; ``copytree`` refuses."""
WRITING = {"write_text", "write_bytes"}
ELSEWHERE = {
    "scripts/architecture.py": "draws the picture of this repository",
    "scripts/talk_model/train.py": "writes the weights of this repository",
    "scripts/licences.py": "writes the list of licences of this repository",
    "scripts/pins.py": "lifts bounds in the pyproject.toml of this repository",
    "scripts/release.py": "a new folder for the files of a release",
    "scripts/manual.py": "a temporary folder",
    "scripts/package_sizes.py": "writes the sizes of the packages of this repository",
    "scripts/messages.py": "writes the catalogue of this repository",
    "benchmarks/cleaning_throughput.py": "a temporary folder",
    "benchmarks/float8_learning.py": "a temporary folder",
    "benchmarks/first_page.py": "a page of its own beside app.py",
    "benchmarks/generation_throughput.py": "a temporary folder",
    "benchmarks/page_changes.py": "a temporary folder",
    "benchmarks/review_keys.py": "a temporary folder",
    "benchmarks/training_overhead.py": "the folder of a training that it has just prepared",
    "benchmarks/training_scaling.py": "the log of a training in a folder that it has just made",
    "benchmarks/two_cards.py": "a temporary folder",
    "benchmarks/training_switches.py": "a temporary folder",
    "benchmarks/training_peers.py": "a folder that it has just made",
    "benchmarks/training_throughput.py": "a folder that it has just made",
}
"""Where else something is written, and where it goes."""


def changing_calls(path: Path) -> list[str]:
    """The calls in a file that remove, move or replace a path."""
    found = []
    source = path.read_text(encoding="utf-8")
    gated = {
        alias.asname or alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module == "tianji_core.ownership"
        for alias in node.names
    }
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in ("rmtree", "unlink"):
            found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.attr}")
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        owner = ast.unparse(function.value) if isinstance(function, ast.Attribute) else ""
        if owner == "ownership" or (not owner and name in gated):
            continue
        modes = [
            argument.value
            for argument in [*node.args, *(keyword.value for keyword in node.keywords)]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        ]
        replaces = name == "replace" and (owner == "os" or (len(node.args) == 1 and not node.keywords))
        opens = name == "open" and any(mode.strip("bt+") == "w" for mode in modes)
        moves = (owner == "os" and name == "remove") or (owner == "shutil" and name == "move")
        if name in REMOVING or replaces or moves or opens:
            found.append(f"{path.relative_to(ROOT)}:{node.lineno} {owner}.{name}")
        if owner and name in WRITING:
            found.append(f"{path.relative_to(ROOT)}:{node.lineno} {owner}.{name}")
    return found


def test_no_other_module_removes_or_replaces() -> None:
    sources = [ROOT / "app.py"]
    for room in ("tianji_core", "pages", "scripts", "benchmarks"):
        sources += sorted((ROOT / room).rglob("*.py"))
    found = [call for path in sources if path != GATE for call in changing_calls(path)]
    elsewhere = tuple(ELSEWHERE)
    assert [call for call in found if not call.startswith(elsewhere)] == []
    assert len(changing_calls(GATE)) > 5  # the search finds what it is for
