"""Lists of the command line: a table on a terminal, plain lines in a pipe, JSON for a program."""

import json

import pytest

from tests.other_tasks import apologies
from tianji_core.recipe import dump_recipe, parse_recipe
from tianji_core.verbs.progress import ProgressDisplay, progress_line
from tianji_core.verbs.tables import show_table

HEADS = ("名字", "条数")
ROWS = [("第一版", 12), ("第二版", 340)]


def test_a_pipe_gets_one_plain_line_per_entry(capsys):
    show_table([], False, HEADS, ROWS)
    assert capsys.readouterr().out == "第一版  12\n第二版  340\n"


def test_a_program_gets_one_json_document(capsys):
    show_table([{"name": "第一版", "count": 12}], True, HEADS, ROWS)
    assert json.loads(capsys.readouterr().out) == [{"name": "第一版", "count": 12}]


def test_an_empty_list_says_so(capsys):
    show_table([], False, HEADS, [], "还没有版本")
    assert capsys.readouterr().out == "还没有版本\n"


def test_a_terminal_gets_a_table_with_numbers_to_the_right(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "dumb")  # no colours
    show_table([], False, HEADS, [*ROWS, ("[red]方括号[/red]", 5)])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines[0].split() == ["名字", "条数"] and set(lines[1]) <= {"─", " ", "╶", "╴"}
    assert lines[2].endswith(" 12") and lines[3].endswith("340")
    assert "[red]方括号[/red]" in lines[4]


def test_a_list_verb_gives_the_same_facts_as_json_and_as_lines(verb, workspace):
    facts = verb("recipes", "--json").json()
    lines = verb("recipes").out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [fact["recipe"] for fact in facts]
    assert sum(fact["in_use"] for fact in facts) == 1
    assert verb("runs", "--json").json() == []


def test_a_recipe_file_becomes_a_recipe_beside_the_others_and_is_used_when_asked(verb, tmp_path):
    file = tmp_path / "apologies.yaml"
    file.write_text(dump_recipe(apologies()), encoding="utf-8")
    for key, title in (("apologies", "客服致歉"), ("apologies-2", "客服致歉 2")):
        listed = {fact["recipe"]: fact for fact in verb("recipes", "--add", file, "--json").json()}
        made = listed[key]
        assert (made["title"], made["names"], made["scenes"]) == (title, 60, 40)
        assert not made["in_use"] and listed["wishes"]["in_use"], "adding one switches nothing"
    used = verb("recipes", "--add", file, "--use", "apologies-3", "--json").json()
    assert [fact["recipe"] for fact in used if fact["in_use"]] == ["apologies-3"]
    verb("recipes", "--use", "wishes", "--recipe", "apologies", "--write", tmp_path / "again.yaml")
    again = parse_recipe((tmp_path / "again.yaml").read_text(encoding="utf-8"), "again")
    assert again == apologies()
    assert verb("recipes", "--json").json()[0]["in_use"]
    assert verb("recipes", "--use", "nobody").code == 2
    assert verb("recipes", "--add", tmp_path / "none.yaml").code == 2


@pytest.mark.parametrize("quiet", [False, True])
def test_progress_stays_off_a_pipe_until_a_minute_has_passed(capsys, monkeypatch, quiet):
    monkeypatch.setattr("tianji_core.verbs.progress.PLAIN_EVERY", 0.0)
    with progress_line("检查", quiet) as progress:
        progress(1, 4)
    err = capsys.readouterr().err
    assert (err == "") if quiet else err.startswith("· 检查  25%  1/4")


def test_a_terminal_gets_a_bar_that_goes_when_the_work_is_done(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress_line("检查") as progress:
        progress(2, 4)
    err = capsys.readouterr().err
    assert "50%" in err and "2/4" in err and err.endswith("\x1b[2K")


def test_a_warning_is_printed_while_the_bar_is_drawn(capsys):
    with ProgressDisplay("训练") as display:
        display.say("! 训练：等显卡")
    assert capsys.readouterr().err == "! 训练：等显卡\n"
