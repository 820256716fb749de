"""What is never said to a receiver on an occasion shows that a text is for somebody else."""

import pytest

from tianji_core.cleaning import Context, Subject, check


def rules(context: Context, name: str, scene: str, text: str, style: str = "正常") -> set[str]:
    return {finding.rule for finding in check(Subject(text, name, scene, style), context)}


@pytest.mark.parametrize(
    ("name", "scene", "text"),
    [
        ("幼儿园的乐乐小朋友", "生日", "乐乐生日快乐！愿你事业有成，夫妻恩爱，早日升职加薪。"),
        ("小满", "小学入学", "小满，看着您满头的白发，真为您高兴，愿您学习路上福如东海。"),
        ("隔壁林爷爷", "八十大寿", "林爷爷生日快乐，愿您茁壮成长，好好学习，听爸爸妈妈的话。"),
        ("老板", "生日", "感谢您的养育之恩，您把我从小拉扯大，愿您健康长寿，天天开心。"),
        ("奶奶", "生日", "奶奶生日快乐，感谢您对我司一直以来的支持，期待来年合作愉快。"),
        ("邻居", "春节", "新年好！祝您桃李满天下，谆谆教诲我都记着，愿您身体健康。"),
        ("厂里的会计", "生日", "您救死扶伤，妙手回春，愿您新的一岁身体健康，天天都有好心情。"),
        ("导师", "毕业", "同学，恭喜你顺利毕业，四年辛苦了，愿你前程似锦，常回来看看。"),
        ("房东", "春节", "各位家长，新年好！感谢一年的陪伴，愿孩子们健康长大，平平安安。"),
        ("姐姐的男朋友", "生日", "生日快乐，这辈子都只爱你，愿往后每天都有你在身边，不离不弃。"),
        ("女同事阿岚", "生日", "阿岚，生日快乐！你这位帅小伙越来越英俊潇洒，愿你天天开心。"),
        ("双胞胎弟弟", "入学", "恭喜背上书包！你一个人坐在外面上课也要勇敢，愿你天天开心。"),
        ("小雨", "考研失利", "小雨，恭喜你成功考上心仪的学校，愿你在新校园里学有所成。"),
        ("小雨", "考上大学", "小雨，虽然这次落榜了，别灰心，来年再来，愿你下次如愿以偿。"),
        ("二姨", "生日", "谢谢你们的生日祝福，二姨收到啦，也祝你们工作顺利，天天快乐。"),
        ("老师", "教师节", "作为你的老师，看着你一天天长大，我很欣慰，愿你前程似锦。"),
        ("木匠师父", "生日", "听说今天摆酒，祝你师父身体硬朗，手艺后继有人，日子红火。"),
        ("医生", "康复", "恭喜您康复出院，回家以后好好休息，愿您身体一天比一天硬朗。"),
    ],
)
def test_words_for_somebody_else_are_found(context: Context, name: str, scene: str, text: str) -> None:
    assert "wrong_person" in rules(context, name, scene, text)


@pytest.mark.parametrize(
    ("name", "scene", "text"),
    [
        ("老板的老板", "满月", "欣闻董事长喜添长孙，谨此恭贺，愿小公子康健聪颖，愿府上四世同堂。"),
        ("乐乐小朋友的妈妈", "生日", "愿你事业有成，夫妻恩爱，也愿乐乐好好学习，天天开心。"),
        ("爷爷", "生日", "爷爷生日快乐，孙子今天来给您磕头，愿您腰不酸腿不疼，天天乐呵。"),
        ("救过我的邻居", "春节", "您把我从小拉扯大，比亲人还亲，愿您新年身体健康，万事如意。"),
        ("姐妹淘", "失业后重新出发", "亲爱的，被裁不是你不好，哭够了就洗把脸，愿你下一站更大更亮。"),
        ("表妹", "谈判顺利", "房东要涨五百，你就跟他磨，表妹你占理，肯定能谈下来，放心去。"),
    ],
)
def test_what_may_be_said_is_not_found(context: Context, name: str, scene: str, text: str) -> None:
    assert "wrong_person" not in rules(context, name, scene, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("妈妈", "爸，手术灯灭的那一刻，我和妈妈抱在一起哭了。祝爸爸早日康复，天天乐呵。"),
        ("弟弟", "姐，生日快乐！新的一岁愿你平安喜乐，每天都有好心情，万事如意。"),
    ],
)
def test_the_one_who_is_called_counts_and_not_who_is_mentioned(
    context: Context, name: str, text: str
) -> None:
    assert "wrong_person" in rules(context, name, "康复", text)
