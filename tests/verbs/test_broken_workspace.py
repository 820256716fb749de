"""A workspace that is broken, unwritable or elsewhere: the sentence names the file, the line and the way
out."""

import pytest


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"language": "zh",\n "recipe": }', "第 2 行第 12 列不是合法的 JSON"),
        ('{"language": "fr"}', "language 的值 'fr' 不对"),
        ("[1]", "应当是一个对象"),
        (b"\xff\xfe", "不是 UTF-8"),
    ],
)
def test_broken_settings(verb, workspace, content, sentence):
    path = workspace.home / "settings.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = path.read_bytes()
    refusal = verb("plan").refusal
    assert str(path) in refusal and sentence in refusal and "修好或删掉" in refusal
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("mine:\n  title: x\n  sdk: [openai\n", "第 4 行不是合法的 YAML：方括号没有配对"),
        ("mine:\n  title: x\n  sdk: nope\n", "mine 的 sdk 只能是 'composer', 'openai' or 'zhipu'"),
        ("mine:\n  title: x\n  sdk: openai\n  key_variable: lower\n", "key_variable 格式不对"),
        ("- 1\n", "应当是一张“键: 值”的表"),
        (b"\xff\xfe\x00", "不是 UTF-8"),
    ],
)
def test_a_broken_list_of_providers(verb, workspace, content, sentence):
    path = workspace.home / "providers.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    refusal = verb("generate", "--limit", 1).refusal
    assert str(path) in refusal and sentence in refusal


def test_folders_where_files_should_be(verb, workspace):
    (workspace.home / "providers.yaml").mkdir()
    assert "读不了" in verb("generate", "--limit", 1).refusal
    (workspace.home / "settings.json").mkdir()
    assert "settings.json" in verb("plan").refusal


def test_a_workspace_that_cannot_be_made_or_is_a_file(verb, tmp_path):
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    for folder in ("/proc/none", tmp_path / "file", tmp_path / "file" / "below"):
        refusal = verb("plan", "--workspace", folder).refusal
        assert str(folder) in refusal and "请换一个或改权限" in refusal
    assert (tmp_path / "file").read_text() == "kept"


def test_a_database_that_is_none_or_away(verb, workspace, monkeypatch):
    (workspace.home / "studio.db").write_bytes(b"not a database " * 100)
    assert "打不开数据库" in verb("plan").refusal
    monkeypatch.setenv("TIANJI_DATABASE_URL", "postgresql+psycopg://me:secret-word@127.0.0.1:1/x")
    refusal = verb("plan").refusal
    assert "打不开数据库" in refusal and "secret-word" not in refusal


def test_a_database_that_fills_up_loses_nothing(verb, workspace):
    assert verb("generate", "--limit", 5).code == 0
    with workspace.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    workspace.engine.dispose()
    path = workspace.home / "studio.db"
    broken = bytearray(path.read_bytes())
    broken[4096:] = b"\xff" * (len(broken) - 4096)
    path.write_bytes(broken)
    said = verb("review-stats")
    assert said.out == "" and "数据库" in said.failure
