"""A board as a matrix of questions and styles by models; what a question asks for in its own words."""

from tianji_core.comparison import Ask, Board, Cell, Column
from tianji_core.comparison.board import named_style, request_text
from tianji_core.comparison.matrix import answers, matrix_columns, styles_of
from tianji_core.recipe import built_in_recipe
from tianji_core.serving.client import ChatSampling

RECIPE = built_in_recipe("wishes")
URL = "http://127.0.0.1:9"


def board() -> Board:
    columns = [Column(url=URL, model=model, style=style) for style in ("正常", "严肃") for model in "甲乙"]
    columns.append(Column(url=URL, model="甲", style="正常", temperature=1.0))
    asks = [Ask(name="大舅", scene="生日"), Ask(text="祝您健康")]
    cells = [
        Cell(row=row, column=at, request="", text=f"{row}{at}")
        for row in range(len(asks))
        for at in range(len(columns))
    ]
    return Board(
        key="1", recipe="wishes", system="", sampling=ChatSampling(), asks=asks, columns=columns, cells=cells
    )


def test_models_are_columns_and_a_model_at_another_temperature_is_one_of_its_own() -> None:
    shown = board()
    columns = matrix_columns(shown)
    assert [(c.first.model, c.first.temperature) for c in columns] == [
        ("甲", None),
        ("乙", None),
        ("甲", 1.0),
    ]
    assert styles_of(shown) == ["正常", "严肃"]
    assert [cell.text for cell in answers(shown, 1, columns[1], "严肃")] == ["13"]
    assert answers(shown, 0, columns[2], "严肃") == []


def test_a_question_that_names_a_style_is_asked_as_it_is_and_judged_by_that_style() -> None:
    own = Ask(text="祝大舅生日,严肃风格")
    assert request_text(RECIPE, own, "小红书") == request_text(RECIPE, own, "严肃") == own.text
    style = named_style(RECIPE, own)
    assert style is not None and style.text == "严肃"
    plain = Ask(text="祝大舅生日")
    assert named_style(RECIPE, plain) is None
    assert request_text(RECIPE, plain, "严肃") == "祝大舅生日,严肃风格"
