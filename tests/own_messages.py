"""Messages that people wrote to each other, in the files in which they have them, written by hand."""

from tianji_core.store import recipes
from tianji_core.workspace import Workspace

CHAT = (
    "localId,Type,IsSender,StrContent,StrTime,Remark,NickName,Sender\n"
    '1,1,1,"王老师，教师节快乐！谢谢您三年的教导，祝您身体健康，桃李满天下。",2023-09-10 08:01:02,王老师(高中),老王,我\n'
    '2,1,0,"谢谢，也祝你在新单位一切顺利，有空回学校坐坐，大家都想你呢",2023-09-10 08:03:02,王老师(高中),老王,wxid_abc123\n'
    "3,1,1,下周二下午三点开会，合同打印两份带过来，顺便把发票也拿上,2023-09-11 10:03:40,王老师(高中),老王,我\n"
    '4,3,0,"<msg><img aeskey=""x""/></msg>",2023-09-11 10:04:40,王老师(高中),老王,wxid_abc123\n'
    '5,1,1,"王老师，新年快乐！愿您新的一年平安喜乐，万事都顺心如意。",2024-02-10 08:01:02,王老师(高中),老王,我\n'
    '6,1,1,"王老师，新年快乐！愿您新的一年平安喜乐，万事都顺心如意！",2025-01-29 08:01:02,王老师(高中),老王,我\n'
    "7,1,1,同乐,2025-01-29 08:02:02,王老师(高中),老王,我\n"
    '8,1,0,"小周，生日快乐！祝你在新的城市里吃好睡好，前程似锦，万事顺意。",2025-03-02 08:02:02,王老师(高中),老王,wxid_abc123\n'
)
"""A talk as an export of WeChat writes it: a greeting sent twice, and what is no greeting."""
BIRTHDAY = "小周，生日快乐！祝你在新的城市里吃好睡好，前程似锦，万事顺意。"
TEACHERS_DAY = "教师节快乐！谢谢您三年的教导，祝您身体健康，桃李满天下。"
NEW_YEAR = "新年快乐！愿您新的一年平安喜乐，万事都顺心如意。"

LETTER = (
    "From: 周小敏 <min@example.com>\nTo: 外婆 <po@example.com>\nSubject: 端午节\n"
    "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    "外婆，端午安康！\n愿您身体硬朗，粽子吃得香甜，天天都有好心情。\n\n"
    "合同第三条已按上次的意见修改，附件是最新版本，乙方应于三日内付款。\n"
)
DRAGON_BOAT = "外婆，端午安康！愿您身体硬朗，粽子吃得香甜，天天都有好心情。"

NOTES = (
    "- 表姐，恭喜乔迁新居，愿新家给你们带来好运，住得舒心。\n"
    "购物清单：牛奶两箱，鸡蛋三十个，记得拿会员卡打折。\n"
    "考试加油，别紧张！\n"
    "表姐，恭喜乔迁新居，愿新家给你们带来好运，住得舒心。\n"
)
MOVED = "表姐，恭喜乔迁新居，愿新家给你们带来好运，住得舒心。"


def examples(workspace: Workspace) -> tuple[str, ...]:
    """The examples that the usual style of blessings has now."""
    style = recipes.current(workspace.engine, "wishes").recipe.style("正常")
    assert style is not None
    return style.examples
