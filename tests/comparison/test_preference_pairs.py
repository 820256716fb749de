"""Preference pairs out of everything that was decided: settled, frozen, and read by other programs."""

import json
from pathlib import Path

import pytest
from datasets import load_dataset

from tests.comparison.boards import BAD, GOOD, filled
from tianji_core.comparison import ballots, choose, preference_pairs, save_board
from tianji_core.comparison.preference_pairs import Pair, settled_pairs
from tianji_core.errors import DatasetError, InputError
from tianji_core.evaluation import held_out_cases
from tianji_core.recipe import Recipe, built_in_recipes, load_recipe
from tianji_core.store import samples, steps, votes
from tianji_core.store.samples import ACCEPTED, CHAT, REJECTED, NewSample, SampleFilter
from tianji_core.store.votes import Vote
from tianji_core.workspace import Workspace

RECIPE = load_recipe(built_in_recipes()["wishes"])


def pair(source: str, prompt: str = "问", chosen: str = "好", rejected: str = "差", **about: str) -> Pair:
    return Pair(source, "", prompt, chosen, rejected, **about)


def both(*found: Pair) -> list[Pair]:
    settled = settled_pairs(found, RECIPE)
    return [*settled.train, *settled.held]


def test_the_most_telling_source_counts_and_a_contradiction_teaches_nothing() -> None:
    vote, check = pair("vote"), pair("check", chosen="差", rejected="好")
    assert both(check, vote, vote) == [vote]
    against = pair("vote", chosen="差", rejected="好")
    assert both(vote, against, check) == []
    settled = settled_pairs([vote, against, pair("edit", chosen="同", rejected="同")], RECIPE)
    assert settled.left_out == {"conflict": 2, "equal": 1}


def test_a_prompt_keeps_few_pairs_and_lies_on_one_side_only() -> None:
    many = [pair("vote", f"问{n}", rejected=f"差{k}") for n in range(60) for k in range(6)]
    settled = settled_pairs(many, RECIPE)
    train, held = ({one.prompt for one in side} for side in (settled.train, settled.held))
    assert len(train | held) == 60 and not train & held and 1 <= len(held) <= 15
    assert len(settled.train) + len(settled.held) == 60 * 4 and settled.left_out == {"limit": 120}
    cells = {(case.name.text, case.scene.text) for case in held_out_cases(RECIPE)}
    name, scene = sorted(cells)[0]
    assert settled_pairs([pair("vote", name=name, scene=scene)], RECIPE).train == ()


def _sample(recipe: Recipe, text: str, cell: tuple[str, str] = ("大舅", "生日")) -> NewSample:
    about = {"name": cell[0], "scene": cell[1], "style": "正常"}
    return NewSample(recipe=recipe.key, system="", input=f"祝{cell[0]}{cell[1]}", output=text, **about)


def test_votes_edits_reviews_and_checks_become_pairs(workspace: Workspace) -> None:
    board = filled(RECIPE, [[GOOD, BAD]])
    save_board(workspace, board)
    (ballot,) = ballots(board)
    votes.decide(workspace.engine, choose(board, ballot, ballot.cells[0]), "我")
    found = preference_pairs.collected_pairs(workspace, "wishes", ("vote", "check"))
    (said,) = [*found.train, *found.held]
    assert (said.source, said.chosen, said.rejected, said.name) == ("vote", GOOD, BAD, "大舅")
    found = preference_pairs.collected_pairs(workspace, "wishes", ("check",))
    assert [one.source for one in (*found.train, *found.held)] == ["check"]
    good = samples.add(workspace.engine, _sample(RECIPE, "大舅，祝您生日快乐，福气满满。"), CHAT)
    bad = samples.add(workspace.engine, _sample(RECIPE, "生日快乐"), CHAT)
    assert good is not None and bad is not None
    found = preference_pairs.collected_pairs(workspace, "wishes", ("edit", "review", "judge"))
    assert (found.train, found.held) == ((), ())  # nothing was decided about them
    steps.set_state(workspace.engine, SampleFilter("wishes", ids=(good,)), ACCEPTED, "我")
    steps.set_state(workspace.engine, SampleFilter("wishes", ids=(bad,)), REJECTED, "我")
    steps.edit(workspace.engine, "wishes", good, 2, "大舅，祝您生日快乐，福气满满！", "我")
    steps.set_state(workspace.engine, SampleFilter("wishes", ids=(good,)), ACCEPTED, "我")
    found = preference_pairs.collected_pairs(workspace, "wishes", ("edit", "review"))
    assert [(one.source, one.rejected[-3:]) for one in (*found.train, *found.held)] == [
        ("edit", "满满。"),
        ("review", "日快乐"),
    ]
    with pytest.raises(InputError, match="火星"):
        preference_pairs.collected_pairs(workspace, "wishes", ("火星",))


def _decide(workspace: Workspace, number: int) -> None:
    said = [
        Vote("wishes", "系统", f"祝同学{n}", "新", "正常", f"祝你第{n}次顺利", "旧", "正常", f"顺利{n}")
        for n in range(number)
    ]
    votes.decide(workspace.engine, said, "我")


def test_a_version_is_immutable_hashed_and_says_where_it_comes_from(workspace: Workspace) -> None:
    _decide(workspace, 5)
    with pytest.raises(DatasetError, match="至少要 20 个"):
        preference_pairs.freeze_pairs(workspace, "wishes", "一")
    _decide(workspace, 40)
    made = preference_pairs.freeze_pairs(workspace, "wishes", "一", note="第一批")
    assert (
        made.manifest["train"]["by_source"].keys() == {"vote"}
        and made.manifest["train"]["chosen_longer"] == 1
    )
    card = (made.folder / "README_zh.md").read_text(encoding="utf-8")
    assert "第一批" in card and f"训练 {made.manifest['train']['count']} 对" in card
    assert [one.name for one in preference_pairs.pair_versions(workspace)] == ["一"]
    with pytest.raises(DatasetError, match="已经有"):
        preference_pairs.freeze_pairs(workspace, "wishes", "一")
    file = made.folder / "train.json"
    assert file.stat().st_mode & 0o777 == 0o400
    file.chmod(0o600)
    file.write_text("[]", encoding="utf-8")
    with pytest.raises(DatasetError, match="被改过"):
        preference_pairs.read_pairs(made)


def test_every_form_is_read_as_its_program_reads_it(workspace: Workspace, tmp_path: Path) -> None:
    _decide(workspace, 40)
    pairs = preference_pairs.read_pairs(preference_pairs.freeze_pairs(workspace, "wishes", "一"))
    first, cache = pairs["train"][0], str(tmp_path / "cache")
    for form in preference_pairs.PAIR_FORMS:
        preference_pairs.write_pairs(workspace, pairs, form, tmp_path / form)
    for file in ("xtuner/train.json", "trl/train.jsonl"):
        rows = load_dataset("json", data_files=str(tmp_path / file), split="train", cache_dir=cache)
        assert len(rows) == len(pairs["train"])
        assert [turn["role"] for turn in rows[0]["prompt"]] == ["system", "user"]
        assert rows[0]["chosen"] == [{"role": "assistant", "content": first.chosen}]
        assert rows[0]["rejected"] == [{"role": "assistant", "content": first.rejected}]
    info = json.loads((tmp_path / "llama-factory" / "dataset_info.json").read_text(encoding="utf-8"))["train"]
    rows = json.loads((tmp_path / "llama-factory" / info["file_name"]).read_text(encoding="utf-8"))
    assert info["ranking"] is True and info["formatting"] == "sharegpt"
    columns = info["columns"]
    assert rows[0][columns["messages"]] == [{"from": "human", "value": first.prompt}]
    assert rows[0][columns["rejected"]] == {"from": "gpt", "value": first.rejected}
    with pytest.raises(InputError, match="火星"):
        preference_pairs.write_pairs(workspace, pairs, "火星", tmp_path / "x")
