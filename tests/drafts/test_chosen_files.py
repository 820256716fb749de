"""Files that were chosen in a form stay until they are used or given up."""

import pytest

from tianji_core.drafts import chosen_files, keep_files
from tianji_core.workspace import Workspace


def test_chosen_files_are_there_again_until_they_are_given_up(workspace: Workspace) -> None:
    keep_files(workspace, "import", [("../甲.json", b"[]"), ("乙.json", b"\xff\x00")])
    keep_files(workspace, "compare", [("丙.txt", b"[]")])
    found = chosen_files(workspace, "import")
    assert [(file.name, file.getvalue()) for file in found] == [
        ("../甲.json", b"[]"),
        ("乙.json", b"\xff\x00"),
    ]
    keep_files(workspace, "import", [])
    assert chosen_files(workspace, "import") == []
    (kept,) = chosen_files(workspace, "compare")  # the same content belongs to two forms
    assert kept.getvalue() == b"[]"
    assert not found[1].path.exists()


def test_an_unreadable_list_is_an_empty_one(workspace: Workspace) -> None:
    keep_files(workspace, "import", [("甲.json", b"[]")])
    path = workspace.home / "drafts" / "files" / "import.json"
    path.write_text('{"files": [{"name": "x", "sha256": "../../settings"}]}', encoding="utf-8")
    assert chosen_files(workspace, "import") == []


def test_what_would_be_too_much_for_all_forms_together_is_left_out(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(keep_files.__globals__, "MOST_KEPT", 10)
    keep_files(workspace, "compare", [("甲.txt", b"12345")])
    keep_files(workspace, "import", [("乙.txt", b"123456"), ("丙.txt", b"1234"), ("丁.txt", b"12345")])
    assert [file.name for file in chosen_files(workspace, "import")] == ["丙.txt", "丁.txt"]
    keep_files(workspace, "compare", [])
    assert [file.getvalue() for file in chosen_files(workspace, "import")] == [b"1234", b"12345"]
    keep_files(workspace, "import", [("乙.txt", b"123456")])
    assert [file.name for file in chosen_files(workspace, "import")] == ["乙.txt"]
