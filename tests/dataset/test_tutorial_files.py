"""Files of the Tianji tutorial's scripts."""

import json
from pathlib import Path

from tianji_core.dataset import import_path
from tianji_core.recipe import built_in_recipe
from tianji_core.store import samples
from tianji_core.store.samples import PENDING
from tianji_core.workspace import Workspace


def test_files_that_the_tutorials_scripts_made_are_taken_in(workspace: Workspace, tmp_path: Path) -> None:
    """A raw file of one run, with the blank behind a scene that the tutorial's list has, and the file that
    its second script merges from it."""
    system = built_in_recipe("tutorial").prompts.system
    turn = {"system": system, "src_input": "该祝福语字数小于 50 字。", "style_name": "小红书"}
    turn |= {"input": "祝赵老师工作升职 ,小红书风格", "output": "赵老师，新岗位新气象，愿您步步高升呀🎉"}
    raw, merged = tmp_path / "wishes_小红书_2024-05-01-12-00-00.json", tmp_path / "merged.json"
    raw.write_text(json.dumps([{"conversation": [turn]}], ensure_ascii=False, indent=4), "utf-8")
    short = {key: turn[key] for key in ("system", "input", "output")}
    other = {
        "system": system,
        "input": "我想祝妹妹春节快乐",
        "output": "妹妹，春节快乐，愿你新的一年平安喜乐！",
    }
    merged.write_text(json.dumps([{"conversation": [each]} for each in (short, other)]), "utf-8")
    for path, added in ((raw, 1), (merged, 1)):
        assert sum(r.added for r in import_path(workspace, "tutorial", path, PENDING)) == added
    kept = [
        s for batch in samples.each(workspace.engine, samples.SampleFilter(recipe="tutorial")) for s in batch
    ]
    cells = {(s.name, s.scene, s.style) for s in kept}
    assert cells == {("赵老师", "工作升职", "小红书"), ("妹妹", "春节", "正常")}
