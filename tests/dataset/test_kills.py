"""Bulk edits, imports and freezes in processes that are killed at random moments: the database opens, each
step and each file is there as a whole or not at all, the history accounts for every sample, and no half file
stays."""

import json
import os
import random
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from tianji_core import dataset
from tianji_core.store import datasets, samples
from tianji_core.store.database import reading, writing
from tianji_core.store.samples import ACCEPTED, IMPORT, NewSample
from tianji_core.store.schema import changes, imports, steps
from tianji_core.store.schema import samples as table
from tianji_core.workspace import Workspace, open_workspace

KILLS = int(os.environ.get("TIANJI_KILLS", "2"))
"""How often each kind of process is killed; 20 in a thorough run (``TIANJI_KILLS=20``)."""
NUMBER = 600
BULK = """
    from tianji_core.store import steps
    from tianji_core.store.samples import ACCEPTED, PENDING, REJECTED, SampleFilter, page
    everything = SampleFilter("wishes")
    while True:
        for state in (REJECTED, PENDING, ACCEPTED):
            steps.set_state(workspace.engine, everything, state, "kill")
        steps.undo(workspace.engine, "wishes")
        steps.redo(workspace.engine, "wishes")
        found = {s.id: steps.SampleRevision(s.version, s.output + "。") for s in page(workspace.engine, everything, limit=1000)}
        steps.revise(workspace.engine, "wishes", found, steps.FIX, "fix", "kill")
"""
IMPORTS = """
    from pathlib import Path
    from tianji_core import dataset
    for file in sorted(Path(sys.argv[2]).glob("*.json")):
        dataset.import_path(workspace, "wishes", file)
"""
FREEZES = """
    from tianji_core import dataset
    for number in range(10_000):
        dataset.freeze(workspace, "wishes", f"{sys.argv[2]}-{number}")
"""


def killed(workspace: Workspace, work: str, argument: object, source: random.Random) -> None:
    """Run ``work`` in a process of its own and kill that at a random moment after its start."""
    opening = """
        import sys
        from tianji_core.workspace import open_workspace
        workspace = open_workspace(sys.argv[1])
        workspace.engine
        import tianji_core.dataset
        print("ready", flush=True)
    """
    script = textwrap.dedent(opening) + textwrap.dedent(work)
    command = [sys.executable, "-c", script, str(workspace.home), str(argument)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        time.sleep(source.uniform(0, 0.5))
        child.kill()


def opened_again(workspace: Workspace) -> Workspace:
    """The workspace as another process finds it, its database found sound."""
    workspace.engine.dispose()
    again = open_workspace(workspace.home)
    with reading(again.engine) as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
    return again


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    new = [
        NewSample(
            "wishes", "系统", f"祝妹妹生日{n}", f"第{n}条生日快乐", "妹妹", "生日", "正常", state=ACCEPTED
        )
        for n in range(NUMBER)
    ]
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, new, IMPORT)
    return workspace


@pytest.mark.timeout(30 * KILLS + 60)
def test_a_killed_bulk_edit_is_whole_or_did_not_happen(filled: Workspace) -> None:
    source = random.Random(1)
    taken = 0
    for _kill in range(KILLS):
        killed(filled, BULK, "", source)
        again = opened_again(filled)
        with reading(again.engine) as connection:
            alike = connection.execute(select(table.c.state, func.length(table.c.output)).distinct()).all()
            states = {state for state, _length in alike}
            last = {
                row.id: row for row in connection.execute(select(table.c.id, table.c.state, table.c.output))
            }
            done = connection.execute(select(steps).order_by(steps.c.id)).all()
            rows = connection.execute(select(changes).order_by(changes.c.step_id)).all()
        assert len(states) == 1, Counter(alike)
        kept = Counter(row.step_id for row in rows)
        assert {step.id: step.count for step in done} == dict(kept)
        undone = {step.id for step in done if step.undone}
        told: dict[int, dict] = {}
        for row in rows:
            if row.step_id not in undone:
                told.setdefault(row.sample_id, {}).update(row.after)
        for number, said in told.items():
            assert all(getattr(last[number], key) == said[key] for key in ("state", "output") if key in said)
        assert len(done) >= taken
        taken = len(done)
    assert taken > 0


@pytest.mark.timeout(30 * KILLS + 60)
def test_a_killed_import_leaves_whole_files_only_and_goes_on(workspace: Workspace, tmp_path: Path) -> None:
    source, folder, files = random.Random(2), tmp_path / "in", 12 * KILLS
    folder.mkdir()
    for number in range(files):
        items = [{"input": f"祝妹妹生日{number}", "output": f"第{n}条生日快乐"} for n in range(NUMBER)]
        (folder / f"{number:03}.json").write_text(json.dumps(items), encoding="utf-8")
    for _kill in range(KILLS):
        killed(workspace, IMPORTS, folder, source)
        again = opened_again(workspace)
        with reading(again.engine) as connection:
            stored = select(table.c.import_id, func.count()).group_by(table.c.import_id)
            counted = {row[0]: row[1] for row in connection.execute(stored)}
            known = connection.execute(select(imports.c.id, imports.c.added, imports.c.known)).all()
        assert all(row.added + row.known == NUMBER for row in known)
        assert counted == {row.id: row.added for row in known if row.added}
    dataset.import_path(workspace, "wishes", folder)
    assert samples.total(workspace.engine) == files * NUMBER


@pytest.mark.timeout(30 * KILLS + 60)
def test_a_killed_freeze_leaves_no_half_version(filled: Workspace) -> None:
    source = random.Random(3)
    for kill in range(KILLS):
        killed(filled, FREEZES, f"v{kill}", source)
        again = opened_again(filled)
        for version in datasets.listed(again.engine):
            dataset.verify(again, version)
            assert version.count == NUMBER
    dataset.freeze(filled, "wishes", "last")
    names = {version.name for version in datasets.listed(filled.engine, limit=100_000)}
    assert {path.name for path in filled.datasets.iterdir()} == names
