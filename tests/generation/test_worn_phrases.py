"""Phrases that a run has worn out are named to the teacher, unless they are the recipe's own words."""

from tianji_core.generation.openings import ENOUGH
from tianji_core.generation.worn_phrases import EVERY, Habits, WornPhrases
from tianji_core.recipe import built_in_recipes, load_recipe
from tianji_core.store.run_figures import Told

WISHES = load_recipe(built_in_recipes()["wishes"])


def told(number: int) -> Told:
    own = "".join(chr(0x4E00 + 97 * number + n) for n in range(6))
    return Told(number, "大舅", "正常", f"大舅，生日快乐！{own}，愿阳光洒满窗台。")


def test_a_phrase_of_most_texts_is_worn_and_the_scenes_wish_is_not() -> None:
    phrases = WornPhrases(WISHES, [told(n) for n in range(ENOUGH)])
    assert phrases.worn("正常") == ("愿阳光洒满窗台",)
    assert "“愿阳光洒满窗台”" in phrases.request("正常")
    assert phrases.request("小红书") == ""


def test_the_list_follows_what_arrives() -> None:
    phrases = WornPhrases(WISHES)
    habits = Habits(None, phrases)
    for number in range(EVERY):
        assert habits.request("正常") == ""
        habits.add("正常", "大舅", told(number).text)
    assert habits.request("正常") == phrases.request("正常") != ""
    assert Habits(None, None).request("正常") == ""
