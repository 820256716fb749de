"""A lost database is one page with the ways out, whatever page was asked for."""

import pytest

from tests.dataset.test_exporting import fill
from tests.pages.opening import opened, press
from tianji_core.store import samples
from tianji_core.store.samples import SampleFilter
from tianji_core.workspace import Workspace

pytestmark = pytest.mark.sqlite


def lose(workspace: Workspace) -> None:
    workspace.engine.dispose()
    for path in workspace.home.glob("studio.db*"):
        path.unlink()


@pytest.mark.parametrize("running", [False, True])
def test_the_newest_backup_is_restored_by_a_button(workspace: Workspace, running: bool) -> None:
    fill(workspace, 3)
    captions = [caption.value for caption in press(opened("settings"), "back_up").caption]
    assert any("最近的备份" in caption for caption in captions)
    if running:
        opened("home")
    lose(workspace)
    app = opened("review")
    (error,) = app.error
    assert "不见了" in error.value and "studio.db" in error.value
    assert not (workspace.home / "studio.db").exists()
    app = press(app, "restore_database")
    assert not app.error
    assert samples.count(workspace.engine, SampleFilter("wishes")) == 3


def test_starting_anew_is_asked_twice_and_deletes_nothing(workspace: Workspace) -> None:
    fill(workspace, 3)
    workspace.back_up()
    workspace.engine.dispose()
    (workspace.home / "studio.db").write_bytes(b"no database" * 900)
    app = opened("home")
    assert app.button(key="database_anew").disabled
    app.checkbox(key="sure_anew").check().run()
    app = press(app, "database_anew")
    assert not app.error
    kept = list((workspace.home / "backups" / "replaced").glob("studio-*.db"))
    assert b"no database" * 900 in [path.read_bytes() for path in kept]
    assert len(workspace.backups()) == 1
