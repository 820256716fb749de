"""The review page: what a person decides is stored at once, can be undone, and never lands on another
text."""

from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import Engine, event
from streamlit.testing.v1 import AppTest

from pages.review import bulk_changes
from tests.loopback import loopback_api, says
from tests.pages.opening import opened
from tianji_core import jobs, teachers
from tianji_core.cleaning import judging
from tianji_core.drafts import FormDraft, load_draft
from tianji_core.recipe import wordings
from tianji_core.review import load_keys
from tianji_core.review.job import rewriting_job
from tianji_core.store import leases, recipes, samples, second_verdicts, steps
from tianji_core.store.database import writing
from tianji_core.store.samples import ACCEPTED, IMPORT, PENDING, REJECTED, NewSample, SampleFilter
from tianji_core.teachers import ModelEntry
from tianji_core.workspace import Workspace

ALL = SampleFilter("wishes")
CLEAN = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"
DOUBTFUL = "妹妹，生日快乐，他说他的舅舅今年也要来，让她把奶奶的账本带上。"
"""No rule objects to it, and yet it is not sure."""
Open = Callable[..., AppTest]


@pytest.fixture
def ids(workspace: Workspace) -> list[int]:
    """A clean sample, one in quotes, one that is too short, in this order."""
    texts = (CLEAN, f"“{CLEAN[:-1]}呢。”", "生日快乐")
    new = [
        NewSample("wishes", "系统", f"祝妹妹生日{n}", text, "妹妹", "生日", "正常")
        for n, text in enumerate(texts)
    ]
    with writing(workspace.engine) as connection:
        return samples.insert_new(connection, new, IMPORT)


@pytest.fixture
def review(workspace: Workspace) -> Open:
    return partial(opened, "review")


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


def states(workspace: Workspace) -> list[str]:
    return [s.state for s in samples.page(workspace.engine, ALL)]


def shown(app: AppTest) -> str:
    return "\n".join(
        [*(m.value for m in app.markdown), *(c.value for c in app.caption), *(e.value for e in app.error)]
    )


def test_without_samples_the_page_says_where_to_get_some(review: Open) -> None:
    assert any("先造一批" in info.value for info in review().info)


def test_accepting_and_rejecting_move_on_to_the_next_and_end_at_the_dataset(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    app = review()
    assert f"#{ids[0]}" in shown(app)
    press(app, "accept")
    assert f"#{ids[1]}" in shown(app)
    press(press(app, "reject"), "reject")
    assert states(workspace) == [ACCEPTED, REJECTED, REJECTED]
    assert any("全部审完" in success.value for success in app.success)


def test_undo_says_what_it_takes_back_and_redo_does_it_again(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    app = press(press(review(), "accept"), "next")
    undo = app.button(key="undo")
    assert (undo.label, undo.help) == ("撤销", "采用 1 条")
    press(app, "undo")
    assert states(workspace) == [PENDING] * 3
    assert app.query_params["id"] == str(ids[0]), "the sample of the step is on screen again"
    press(app, "redo")
    assert states(workspace) == [ACCEPTED, PENDING, PENDING]


def test_a_fix_is_offered_where_a_rule_knows_one(review: Open, workspace: Workspace, ids: list[int]) -> None:
    app = review()
    assert "fix" not in [button.key for button in app.button]
    press(app, "next")
    press(app, "fix")
    assert samples.get(workspace.engine, ids[1]).output == f"{CLEAN[:-1]}呢。"
    assert f"#{ids[1]}" in shown(app), "the fixed text stays to be judged"


def test_editing_stores_the_new_text_and_accepts_it(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    app = press(review(id=str(ids[2])), "edit")
    better = "妹妹，祝你生日快乐，愿你一整年都睡得香、笑得甜。"
    app.text_area(key=f"text_{ids[2]}_1").input(better)
    press(app, "save_accept")
    sample = samples.get(workspace.engine, ids[2])
    assert (sample.output, sample.state, sample.finding_count) == (better, ACCEPTED, 0)


def test_a_decision_on_a_text_that_changed_meanwhile_is_refused(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    app = review()
    steps.edit(workspace.engine, "wishes", ids[0], 1, "别人刚刚改成了这样的一条生日祝福", "别人")
    press(app, "accept")
    assert any("没有覆盖" in error.value for error in app.error)
    assert states(workspace) == [PENDING] * 3


def test_what_was_typed_is_not_lost_when_saving_is_refused(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    app = press(review(), "edit")
    app.text_area(key=f"text_{ids[0]}_1").input("我写了很久的一条生日祝福")
    steps.edit(workspace.engine, "wishes", ids[0], 1, "别人刚刚改成了这样的一条生日祝福", "别人")
    press(app, "save_edit")
    assert any("我写了很久" in code.value for code in app.code)
    assert "别人" in samples.get(workspace.engine, ids[0]).output


def test_what_is_typed_and_not_saved_is_there_again_until_it_is_or_is_given_up(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    first, second = (f"text_{number}_1" for number in ids[:2])
    app = press(review(id=str(ids[0])), "edit")
    saved = app.text_area(key=first).value
    app.text_area(key=first).set_value("写到一半的生日祝福").run()
    app.text_input(key=f"why_{ids[0]}").set_value("太短").run()
    press(app, "cancel_panel")
    other = press(review(id=str(ids[1])), "edit")
    other.text_area(key=second).set_value("第二页写到一半").run()

    again = press(review(id=str(ids[0])), "edit")
    assert again.text_area(key=first).value == "写到一半的生日祝福"
    assert again.text_input(key=f"why_{ids[0]}").value == "太短"
    press(again, "forget_edit")
    assert again.text_area(key=first).value == saved
    again = press(review(id=str(ids[1])), "edit")
    assert again.text_area(key=second).value == "第二页写到一半"
    better = "妹妹，祝你生日快乐，愿你一整年都睡得香、笑得甜。"
    again.text_area(key=second).input(better)
    press(again, "save_edit")
    assert samples.get(workspace.engine, ids[1]).output == better
    assert load_draft(workspace, "review") == FormDraft()


def test_filters_come_from_the_address(review: Open, ids: list[int]) -> None:
    assert f"#{ids[2]}" in shown(review(finding="太短"))
    assert f"#{ids[1]}" in shown(review(q="呢"))
    app = review(style="严肃")
    assert any("没有符合" in info.value for info in app.info)
    press(app, "clear_filters")
    assert f"#{ids[0]}" in shown(app)


def test_a_filter_is_named_in_words_and_taken_away_by_its_chip(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    app = review(source="chat")
    assert app.button(key="chip_source").label == "来源：对话"
    assert not any(f"#{number}" in shown(app) for number in ids)
    assert f"#{ids[0]}" in shown(press(app, "chip_source"))


def test_new_samples_are_fixed_accepted_and_looked_at_in_this_order(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    app = review()
    numbers = [app.button(key=f"funnel_{step}").label for step in ("fix", "accept", "look")]
    assert numbers == [
        "1 修好 1 条",
        "2 采用 1 条没毛病的",
        "3 逐条看 2 条",
    ]  # the fixed one is near the first
    press(app, "funnel_fix")
    assert samples.get(workspace.engine, ids[1]).output == f"{CLEAN[:-1]}呢。"
    press(app, "funnel_accept")
    assert states(workspace) == [ACCEPTED, PENDING, PENDING]
    press(app, "undo")
    assert states(workspace) == [PENDING, PENDING, PENDING]
    press(app, "funnel_look")
    assert f"#{ids[1]}" in shown(app) and "共 2 条" in shown(app)


def test_everything_without_findings_is_accepted_at_once_after_saying_how_many(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    app = review(view="批量")
    assert "1 条" in app.button(key="accept_clean").label
    press(app, "accept_clean")
    assert states(workspace) == [ACCEPTED, PENDING, PENDING]
    assert app.button(key="accept_clean").disabled


def test_what_is_doubtful_is_left_to_a_person_with_the_reason_and_accepted_by_a_button_of_its_own(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    new = NewSample("wishes", "系统", "祝妹妹生日", DOUBTFUL, "妹妹", "生日", "正常")
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, [new], IMPORT)
    app = review()
    assert app.button(key="funnel_accept").label == "2 采用 1 条没毛病的"
    assert app.button(key="funnel_unsure").label == "3 看 1 条拿不准的"
    assert app.button(key="funnel_look").label == "4 逐条看 2 条"
    press(app, "funnel_unsure")
    assert "共 1 条" in shown(app)
    assert "拿不准" in shown(app) and "看不出来" in shown(app)
    for asked in ("拿不准", "unsure", "Doubtful"):
        assert review(finding=asked).button(key="chip_finding").label == "问题：拿不准", asked
    app = review(view="批量")
    press(app, "accept_clean")
    assert states(workspace) == [ACCEPTED, PENDING, PENDING, PENDING]
    press(app, "accept_unsure")
    assert states(workspace) == [ACCEPTED, PENDING, PENDING, ACCEPTED]


def test_all_fixes_are_applied_as_one_step(review: Open, workspace: Workspace, ids: list[int]) -> None:
    app = review(view="批量")
    assert app.button(key="fix_all").label == "修正 1 条"
    press(app, "fix_all")
    assert samples.get(workspace.engine, ids[1]).output == f"{CLEAN[:-1]}呢。"
    press(app, "undo")
    assert samples.get(workspace.engine, ids[1]).output == f"“{CLEAN[:-1]}呢。”"


def test_the_table_shows_one_page_of_many(review: Open, workspace: Workspace, ids: list[int]) -> None:
    more = [
        NewSample("wishes", "系统", "祝妹妹生日", f"{CLEAN}{n}", "妹妹", "生日", "正常") for n in range(60)
    ]
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, more, IMPORT)
    app = review(view="列表")
    assert len(app.dataframe[0].value) == 50 and "第 1-50 条，共 63 条" in shown(app)
    press(app, "next_page")
    assert len(app.dataframe[0].value) == 13 and "第 51-63 条，共 63 条" in shown(app)
    press(app, "previous_page")
    assert "第 1-50 条" in shown(app)


def test_the_best_of_each_group_of_near_duplicates_is_kept(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    almost = NewSample(
        "wishes", "系统", "祝妹妹生日9", CLEAN.replace("每天都", "天天都"), "妹妹", "生日", "正常"
    )
    with writing(workspace.engine) as connection:
        (twin,) = samples.insert_new(connection, [almost], IMPORT)
    app = review(view="重复")
    assert any("组样本几乎一样" in m.value for m in app.markdown)
    press(app, "keep_best")
    rejected = [s.id for s in samples.page(workspace.engine, ALL) if s.state == REJECTED]
    assert ids[0] not in rejected and twin in rejected
    assert any("没有近似重复" in s.value for s in app.success)


def test_stars_are_set_and_taken_away_by_the_same_button(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    app = press(review(), "rate_4")
    assert samples.get(workspace.engine, ids[0]).rating == 4
    press(app, "rate_4")
    assert samples.get(workspace.engine, ids[0]).rating is None


def test_an_order_is_followed_from_card_to_card(review: Open, workspace: Workspace, ids: list[int]) -> None:
    app = review(order="由短到长")
    assert f"#{ids[2]}" in shown(app)
    press(app, "accept")
    assert f"#{ids[0]}" in shown(app)
    press(app, "next")
    assert f"#{ids[1]}" in shown(app)
    press(app, "previous")
    assert f"#{ids[0]}" in shown(app)


def test_a_sample_is_copied_for_another_person(review: Open, workspace: Workspace, ids: list[int]) -> None:
    app = press(review(), "open_copy")
    app.selectbox(key=f"copy_name_{ids[0]}").select("奶奶").run()
    press(app, "copy_sample")
    copy = samples.page(workspace.engine, SampleFilter("wishes", names=("奶奶",)))[0]
    assert copy.output.startswith("奶奶，生日快乐！愿您") and copy.state == PENDING and copy.source == "copy"
    assert f"#{copy.id}" in shown(app)


def test_history_and_figures_say_who_did_what(review: Open, workspace: Workspace, ids: list[int]) -> None:
    steps.set_state(workspace.engine, SampleFilter("wishes", ids=(ids[0],)), ACCEPTED, "小王")
    app = review(state="全部")
    assert any("小王" in c.value and "待审 → 采用" in c.value for c in app.caption)
    app = review(view="记录")
    assert sum("小王" in str(frame.value.to_dict()) for frame in app.dataframe) == 2, (
        "in the figures and in the feed"
    )


def test_a_judge_is_started_from_the_page_after_saying_what_it_costs(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    with loopback_api() as api:
        api.default = says('{"fit": 4, "style": 4, "naturalness": 4, "reason": "不错"}')
        judge = teachers.provider(workspace, "custom").model_copy(
            update={"base_url": api.url, "models": (ModelEntry(name="loopback-model"),)}
        )
        teachers.save_provider(workspace, judge)
        app = review(view="批量")
        app.selectbox(key="judge_provider").select("custom").run()
        assert "3 条" in app.button(key="judge").label and "tokens" in shown(app)
        press(app, "judge")
        assert [e.value for e in app.error] == []
        job = judging.judge_job(workspace, "wishes")
        assert job is not None
        jobs.wait(workspace, job.id, timeout=60)
    assert {s.score for s in samples.page(workspace.engine, ALL)} == {4.0}
    app = review(view="批量")
    assert app.selectbox(key="judge_provider").value == "custom", "the judge of last time"
    assert any("评审 3 条样本" in s.value for s in app.success)
    press(app, "read_doubtful")
    assert app.selectbox(key="order").value == samples.DOUBTFUL
    assert any("模型评分 **4.0**" in m.value for m in app.markdown)


def test_two_people_at_once_are_shown_different_samples(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    leases.take(workspace.engine, ids[0], "别人")
    app = review()
    assert f"#{ids[1]}" in shown(app)
    assert f"#{ids[1]}" in shown(review()), "a refresh shows the same sample"
    press(app, "accept")
    assert f"#{ids[2]}" in shown(app)
    press(app, "accept")
    assert f"#{ids[0]}" in shown(app), "what is left is shown although somebody looks at it"


def test_a_key_stores_the_decision_and_what_is_read_next_and_nothing_else(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    app = review()
    written: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            written.append(statement.split()[1 if statement.startswith("UPDATE") else 2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        press(app, "accept")
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert set(written) == {"steps", "changes", "samples", "leases"}


def test_everything_that_matches_is_decided_at_once_with_a_reason(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    app = review(view="批量", finding="有问题")
    app.selectbox(key="all_action").select(REJECTED).run()
    assert app.button(key="do_all").label == "对 2 条做"
    app.text_input(key="all_reason").input("毛病太多")
    press(app, "do_all")
    assert states(workspace) == [PENDING, REJECTED, REJECTED]
    step = steps.last(workspace.engine, "wishes")
    assert step is not None and step.note == "毛病太多"
    press(app, "undo")
    assert states(workspace) == [PENDING] * 3


def test_rare_filters_stand_in_the_address_and_are_cleared(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    steps.rate(workspace.engine, SampleFilter("wishes", ids=(ids[1],)), 4, "小王")
    for address in ({"stars": "3-5"}, {"by": "小王"}, {"by": "小王", "since": "2020-01-01", "score": "x"}):
        assert f"#{ids[1]}" in shown(review(**address))
    assert any("没有符合" in info.value for info in review(stars="5-5").info)
    app = review(until="2020-01-01")
    assert any("没有符合" in info.value for info in app.info)
    press(app, "clear_more")
    assert f"#{ids[0]}" in shown(app)


def test_a_sample_is_split_on_the_page(review: Open, workspace: Workspace, ids: list[int]) -> None:
    app = press(review(), "open_split")
    assert (
        app.text_area(key=f"pieces_{ids[0]}_1").value
        == "妹妹，生日快乐！\n愿你新的一岁平安喜乐，每天都有好心情。"
    )
    press(app, "split_sample")
    assert samples.get(workspace.engine, ids[0]).state == REJECTED and samples.total(workspace.engine) == 5
    assert f"#{ids[1]}" in shown(app)
    press(app, "undo")
    assert states(workspace) == [PENDING] * 3 + [REJECTED] * 2


def test_another_wording_is_asked_for_and_picked(review: Open, workspace: Workspace, ids: list[int]) -> None:
    app = press(press(review(), "open_rewrite"), "ask_rewrite")
    job = rewriting_job(workspace, ids[0])
    assert job is not None and jobs.wait(workspace, job.id, timeout=60).state == "succeeded"
    app = review(id=str(ids[0]), do="rewrite")
    assert any("¥0.0000" in c.value for c in app.caption)
    press(app, "take_2")
    sample = samples.get(workspace.engine, ids[0])
    assert sample.output != CLEAN and sample.state == PENDING
    assert "offline-composer" in steps.history(workspace.engine, ids[0])[0].step.note
    assert any("offline\\-composer 改写" in c.value for c in app.caption)
    press(press(app, "open_rewrite"), "ask_rewrite")
    job = rewriting_job(workspace, ids[0])
    assert job is not None and jobs.wait(workspace, job.id, timeout=60).state == "succeeded"
    press(review(id=str(ids[0]), do="rewrite"), "take_accept_1")
    (reviewer,) = steps.reviewers(workspace.engine, "wishes")
    assert (reviewer.decided, reviewer.accepted, reviewer.edited) == (1, 1, 2)


def test_a_second_reader_sees_no_verdict_and_a_disagreement_is_settled(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    steps.set_state(workspace.engine, SampleFilter("wishes", ids=(ids[0],)), ACCEPTED, "小王")
    second_verdicts.set_share(workspace.engine, "wishes", 1.0)
    assert any("没有要" in info.value for info in review(view="复审", who="小王").info)
    app = review(view="复审", who="小李")
    assert CLEAN in "".join(str(html.proto.body) for html in app.get("html"))
    assert "✅ 采用" not in shown(app) and "小王" not in shown(app)
    press(app, "second_reject")
    assert states(workspace) == [ACCEPTED, PENDING, PENDING], "the first verdict stands"
    (verdict,) = second_verdicts.verdicts(workspace.engine, "wishes")
    assert (verdict.first_who, verdict.who, verdict.state) == ("小王", "小李", REJECTED)
    press(app, f"resolve_{verdict.step_id}_{REJECTED}")
    assert states(workspace)[0] == REJECTED
    assert second_verdicts.verdicts(workspace.engine, "wishes")[0].resolved


def test_keys_are_changed_by_each_person_and_clashes_refused(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    app = review(do="keys", who="小王")
    app.text_input(key="key_accept_a").input("x")
    press(app, "save_keys")
    assert any("都用了 x" in error.value for error in app.error)
    app.text_input(key="key_accept_a").input("J")
    press(app, "save_keys")
    assert load_keys(workspace, "小王")["accept"] == "j" and load_keys(workspace, "我")["accept"] == "a"
    assert any("`J` 采用" in c.value for c in app.caption)
    press(app, "change_keys")
    press(app, "reset_keys")
    assert load_keys(workspace, "小王")["accept"] == "a"


def test_markup_in_a_sample_is_shown_as_text(review: Open, workspace: Workspace) -> None:
    nasty = "<script>alert(1)</script> $$x$$ :red[红] ![图](http://a.b/c.png)"
    with writing(workspace.engine) as connection:
        samples.insert_new(
            connection, [NewSample("wishes", "系统", nasty, nasty, "妹妹", "生日", "正常")], IMPORT
        )
    app = review()
    pages = "".join(str(html.proto.body) for html in app.get("html"))
    assert "&lt;script&gt;" in pages and "<script>alert" not in pages
    assert r"\!" in shown(app) or r"\[图\]" in shown(app)
    assert "<script>" not in shown(app) and "$$x$$" not in shown(app)


def test_samples_can_be_chosen_by_their_source(review: Open, workspace: Workspace, ids: list[int]) -> None:
    source = samples.get(workspace.engine, ids[0]).source
    app = review(source=source)
    assert not app.exception and app.selectbox(key="pick_source").value == source
    other = next(name for name in samples.SOURCE_TITLES if name != source)
    app.selectbox(key="pick_source").set_value(other).run()
    assert app.query_params["source"] == other and not app.exception


def test_a_fault_in_an_earlier_answer_is_shown_with_its_turn_and_edited_there(
    review: Open, workspace: Workspace
) -> None:
    new = NewSample("wishes", "系统", "换一条", CLEAN, "妹妹", "生日", "正常", (("祝妹妹生日", " "),))
    with writing(workspace.engine) as connection:
        (number,) = samples.insert_new(connection, [new], IMPORT)
    app = press(review(), "edit")
    assert "第 1 轮 · 没有文字" in shown(app)
    app.text_area(key=f"turn_{number}_1_1").set_value(
        "妹妹，又长一岁啦，愿你天天都有好心情，事事都顺心！"
    ).run()
    press(app, "save_edit")
    edited = samples.get(workspace.engine, number)
    assert edited.history == (("祝妹妹生日", "妹妹，又长一岁啦，愿你天天都有好心情，事事都顺心！"),)
    assert edited.output == CLEAN
    assert "第 1 轮 · " not in shown(app)


def test_the_numbers_of_the_findings_add_up(review: Open, workspace: Workspace, ids: list[int]) -> None:
    app = review(view="批量")
    assert "**2** 条有问题：**0** 条能全部自动修，**1** 条能修一部分，**1** 条要人来看" in shown(app)
    rows = app.dataframe[0].value
    assert {tuple(row) for row in rows.iloc[:, :4].values} == {
        ("整段引号", 1, 1, 0),
        ("近似重复", 1, 0, 1),
        ("太短", 1, 0, 1),
    }


def test_find_and_replace_shows_its_changes_first_and_is_one_step(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    app = review(view="批量")
    app.text_input(key="replace_find").set_value("生日快乐").run()
    app.text_input(key="replace_by").set_value("生辰快乐").run()
    press(app, "bulk_preview")
    assert "要改 **3** 条里的 **3** 处" in shown(app)
    assert samples.get(workspace.engine, ids[0]).output == CLEAN
    press(app, "make_bulk_edit")
    assert "生辰快乐" in samples.get(workspace.engine, ids[0]).output
    assert "要改 **" not in shown(app)
    press(app, "undo")
    assert samples.get(workspace.engine, ids[0]).output == CLEAN
    app.toggle(key="replace_regular").set_value(True).run()
    app.text_input(key="replace_find").set_value("(生日").run()
    press(app, "bulk_preview")
    assert "看不懂" in shown(app)
    assert review(view="批量").text_input(key="replace_find").value == "(生日", "what was typed is kept"


def test_a_large_set_is_changed_in_the_background(
    review: Open, workspace: Workspace, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_changes, "LARGE", 2)
    app = review(view="批量")
    app.text_input(key="replace_find").set_value("生日快乐").run()
    app.text_input(key="replace_by").set_value("生辰快乐").run()
    press(app, "bulk_preview")
    assert "共 3 条，先看了前 2 条" in shown(app)
    press(app, "make_bulk_edit")
    (job,) = jobs.listed(workspace, kind="edit")
    assert jobs.wait(workspace, job.id, timeout=60).state == "succeeded"
    assert samples.count(workspace.engine, SampleFilter("wishes", text="生辰快乐")) == 3
    assert "要改 **" not in shown(app.run())


def test_an_own_rule_is_tried_and_added_and_its_findings_are_counted(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    app = review(view="批量")
    app.segmented_control(key="bulk_part").set_value("own").run()
    app.text_input(key="rule_text").set_value("生日快乐").run()
    app.text_input(key="rule_by").set_value("生日快乐呀，生日快乐").run()
    assert "永远换不完" in shown(app)
    app.text_input(key="rule_by").set_value("生辰吉乐").run()
    press(app, "try_rule")
    assert "在 3 条样本里查到 **3** 条" in shown(app)
    app.selectbox(key="rule_kind").set_value("forbidden").run()
    for field, choice in (("styles", "正常"), ("relations", "junior")):
        app.multiselect(key=f"rule_{field}").set_value([choice]).run()
    app = review(view="批量")
    app.segmented_control(key="bulk_part").set_value("own").run()
    kept = [app.multiselect(key=f"rule_{field}").value for field in ("styles", "names", "relations")]
    assert (app.selectbox(key="rule_kind").value, kept) == ("forbidden", [["正常"], [], ["junior"]])
    app.selectbox(key="rule_kind").set_value("replace").run()
    for field in ("styles", "relations"):
        app.multiselect(key=f"rule_{field}").set_value([]).run()
    press(app, "add_rule")
    assert app.text_input(key="rule_text").value == "", "the form is empty again"
    assert recipes.current(workspace.engine, "wishes").recipe.own_rules[0].replacement == "生辰吉乐"
    assert ("自己的替换", 3, 3, 0) in {tuple(row) for row in app.dataframe[0].value.iloc[:, :4].values}
    press(app, "drop_rule_0")
    assert recipes.current(workspace.engine, "wishes").recipe.own_rules == ()


def test_inputs_and_system_prompts_are_changed_in_bulk(
    review: Open, workspace: Workspace, ids: list[int]
) -> None:
    app = review(view="批量")
    app.segmented_control(key="bulk_part").set_value("system").run()
    press(press(app, "bulk_preview"), "make_bulk_edit")
    recipe = recipes.current(workspace.engine, "wishes").recipe
    assert samples.get(workspace.engine, ids[0]).system == recipe.prompts.system
    app.segmented_control(key="bulk_part").set_value("inputs").run()
    press(press(app, "bulk_preview"), "make_bulk_edit")
    cell = recipe.name("妹妹"), recipe.scene("生日"), recipe.style("正常")
    assert samples.get(workspace.engine, ids[0]).input in wordings(recipe, *cell)


def test_line_breaks_stay_where_a_text_is_edited(review: Open, workspace: Workspace) -> None:
    verse = "慈颜含笑坐春风，\n膝下儿孙乐意浓。\n愿借南山松上鹤，\n年年衔寿到堂中。"
    new = NewSample("wishes", "系统", "祝母亲生日,诗词赋风格", verse, "母亲", "生日", "诗词赋")
    with writing(workspace.engine) as connection:
        (number,) = samples.insert_new(connection, [new], IMPORT)
    app = press(review(), "edit")
    field = app.text_area(key=f"text_{number}_1")
    assert field.value == verse
    field.set_value(verse.replace("春风", "秋风")).run()
    press(app, "save_edit")
    assert samples.get(workspace.engine, number).output == verse.replace("春风", "秋风")
