"""A filled board without any model."""

from tianji_core.comparison import Ask, Board, Column, plan_board
from tianji_core.recipe import Recipe
from tianji_core.serving import ChatSampling

GOOD = "祝大舅生日快乐，身体硬朗，万事都顺心如意，福气满满！"
COPIED = "大舅，祝您生日快乐，福如东海，日子越过越红火！"
BAD = "新年好"


def filled(recipe: Recipe, rows: list[list[str]], models: tuple[str, ...] = ("新", "旧")) -> Board:
    """A board in the style 正常 with these answers, a row for each list; '' is an answer that failed."""
    asks = [Ask(name="大舅", scene="生日"), Ask(text="祝您健康"), Ask(name="母亲", scene="春节")][: len(rows)]
    columns = [Column(url="http://127.0.0.1:9/v1", model=model, style="正常") for model in models]
    board = plan_board(recipe, asks, columns, "送祝福", ChatSampling(seed=1))
    for cell in board.cells:
        cell.text = rows[cell.row][cell.column]
        cell.state = "done" if cell.text else "failed"
        cell.error = "" if cell.text else "连不上"
        cell.tokens, cell.seconds, cell.first = 10, 2.0, 0.5
    return board
