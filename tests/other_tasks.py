"""Two tasks that are no blessings, as a person would begin them: apologies of a customer service, which have
receivers, and copy for goods, which has none; and texts that were written for them by hand."""

from tianji_core.recipe import Recipe, Words
from tianji_core.recipe.beginning import begun_recipe
from tianji_core.recipe.editing import ListRow, changed, edit_kinds, edit_style

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方"
CUSTOMERS = [f"{surname}{'女士' if at % 2 else '先生'}" for at, surname in enumerate(SURNAMES[:56])] + [
    "新客户小唐",
    "会员老罗",
    "企业客户顾经理",
    "店主薛姐",
]
_CASES = """
快递晚到三天 包裹压坏了 发错颜色 少发一件 退款迟迟没到 客服态度生硬 电话一直占线 优惠券用不了
页面价格写错 安装师傅爽约 空调漏水 冰箱有异响 衣服掉色 鞋子开胶 外卖洒了 菜里有头发
等位太久 房间没打扫 预订被取消 航班改签没通知 行李找不到 发票开错抬头 会员积分清零 重复扣款
账号被误封 验证码收不到 网络连续中断 系统升级没预告 课程临时换老师 教材缺页 维修留下划痕 保修被拒
赠品没寄 生日蛋糕写错字 照片洗坏了 洗衣弄丢纽扣 停车被误抬杆 门票重号 车票座位冲突 快递柜超时收费
"""
CASES = _CASES.split()
GOODS = [
    "保温杯",
    "蓝牙耳机",
    "帆布包",
    "电动牙刷",
    "露营灯",
    "羊毛围巾",
    "挂耳咖啡",
    "机械键盘",
    "儿童雨衣",
    "砂锅",
]

APOLOGIES = {
    (
        "赵先生",
        "快递晚到三天",
        "诚恳",
    ): "赵先生，您的快递比说好的晚到了三天，耽误了您用，是我们没有盯住中转的车次。运费已经原路退给您，往后您的单子我会自己跟到签收。",
    (
        "钱女士",
        "包裹压坏了",
        "诚恳",
    ): "钱女士，收到压坏的包裹，换作我也会生气。新的一件今天下午寄出，坏的那件不用您寄回，包装我们也换成了硬纸箱。",
    (
        "孙先生",
        "空调漏水",
        "诚恳",
    ): "孙先生，空调漏水把您家地板泡了，这件事责任在我们。师傅明早九点上门，地板的修理费凭单据由我们全数承担。",
    (
        "李女士",
        "重复扣款",
        "简短",
    ): "李女士，重复扣款已查实，多扣的86元一小时内退回，给您添麻烦了。",
    (
        "周先生",
        "菜里有头发",
        "简短",
    ): "周先生，菜里有头发是我们的错，这一单全额退您，后厨已整改。",
    (
        "吴女士",
        "电话一直占线",
        "简短",
    ): "吴女士，昨天电话一直占线让您白等，现已加开三条线，抱歉。",
    (
        "郑先生",
        "航班改签没通知",
        "正式",
    ): "郑先生：关于航班改签没有通知到您一事，经核查系短信通道故障所致。我司对此深表歉意，改签差价将于三个工作日内退还。",
    (
        "王女士",
        "账号被误封",
        "正式",
    ): "王女士：您的账号因系统误判被封停，现已恢复，并补偿会员时长三十天。对由此造成的不便，我司谨致歉意。",
    (
        "企业客户顾经理",
        "发票开错抬头",
        "正式",
    ): "企业客户顾经理：贵司发票抬头系我方录入有误，红冲与重开已办理，新票预计周三寄达。谨此致歉，敬请谅解。",
    (
        "店主薛姐",
        "赠品没寄",
        "诚恳",
    ): "店主薛姐，说好的赠品没寄，是仓库漏了单。今天补发，另外多放一份给您，对不住了。",
    (
        "会员老罗",
        "生日蛋糕写错字",
        "诚恳",
    ): "会员老罗，生日蛋糕上把孩子的名字写错了，扫了一家人的兴，我们心里很过意不去。蛋糕钱全退，下次来，重做一个送您。",
    (
        "冯先生",
        "照片洗坏了",
        "诚恳",
    ): "冯先生，那卷照片洗坏了，有几张是老人生前的，怎么赔都补不回来。底片我们请了修复的老师傅，一张一张试，费用由我们出。",
}
COPY = {
    ("保温杯", "种草"): "冬天赶早班车，保温杯里的姜茶到公司还烫嘴，一只手就能拧开，谁用谁知道。",
    ("蓝牙耳机", "种草"): "地铁里开降噪，蓝牙耳机把报站都压成了耳语，通勤四十分钟，正好听完一章书。",
    ("帆布包", "种草"): "这只帆布包能塞下电脑、饭盒和一把伞，肩带加宽了，背一天也不勒。",
    ("电动牙刷", "专业"): "电动牙刷每分钟震动31000次，配软毛刷头，续航30天，附两分钟分区提醒。",
    ("露营灯", "专业"): "露营灯三档调光，最高800流明，IPX5防水，Type-C充电，可作充电宝应急。",
    ("机械键盘", "专业"): "机械键盘采用热插拔轴座，支持三模连接，键帽为PBT材质，长时间敲打不打油。",
    ("挂耳咖啡", "幽默"): "闹钟叫不醒的早晨，交给挂耳咖啡。它不吵，只是香得让你没法装睡。",
    ("儿童雨衣", "幽默"): "穿上儿童雨衣的小朋友，看见水坑眼睛会发光。洗衣机，请多保重。",
}


def apologies() -> Recipe:
    """The apologies: 60 customers, 40 cases, three styles."""
    words = Words(
        text="致歉",
        name="客户称呼",
        scene="投诉事由",
        style="口气",
        to_whom="向谁致歉",
        what_for="为了哪件事",
    )
    recipe = begun_recipe("apologies", "客服致歉", words, CUSTOMERS, CASES, ["诚恳", "简短", "正式"])
    recipe = edit_kinds(
        recipe, "relations", [ListRow(0, {"text": "老客户"}), ListRow(None, {"text": "企业客户"})]
    )
    for style, low, high in (("诚恳", 20, 90), ("简短", 10, 45), ("正式", 25, 100)):
        recipe = edit_style(
            recipe,
            style,
            min_chars=low,
            max_chars=high,
            examples=[text for (_name, _scene, own), text in APOLOGIES.items() if own == style],
        )
    return changed(recipe, clauses=("", "先认错，再说怎么办。"))


def copy_for_goods() -> Recipe:
    """Copy for goods: ten goods, three tones, nobody who is written to."""
    words = Words(text="文案", name="对象", scene="商品", style="语气", to_whom="对象", what_for="写哪件商品")
    recipe = begun_recipe("goods", "商品文案", words, [], GOODS, ["种草", "专业", "幽默"])
    return edit_style(recipe, "种草", min_chars=15, max_chars=60)
