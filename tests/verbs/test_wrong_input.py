"""Wrong names, numbers and files: refused in one sentence that says what there is instead; nothing is
made."""

import json
import socket

import pytest

from tests.loopback import sends_bytes
from tests.tiny_base import add_version
from tianji_core.errors import RecipeError
from tianji_core.recipe import built_in_recipes, load_recipe, parse_recipe
from tianji_core.recipe.editing import changed
from tianji_core.store import datasets, recipes, runs
from tianji_core.verbs.demo_report import DemoReport, read_report, write_report


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("plan --styles 火星文", "没有风格“火星文”，有的是：正常"),
        ("plan --styles 正常,正常", "同一种写法选了两次"),
        ("plan --recipe gone", "没有配方“gone”，有的是：wishes"),
        ("plan --rounds 99999", "rounds 应当不大于 1000"),
        ("generate --budget inf", "budget_cost 应当是有限的数字"),
        ("generate --budget nan", "budget_cost 应当是有限的数字"),
        ("generate --minutes 1e300", "minutes 应当不大于 1000000"),
        ("generate --also offline/x=inf", "--also 应当是 provider/model=权重"),
        ("generate --provider nobody", "没有造数模型“nobody”，可以选的是：offline"),
        ("generate --provider custom", "请填写 其他 OpenAI 兼容接口 的模型名"),
        ("generate --provider custom --model m --base-url ftp://x", "接口地址应当以 http://"),
        (
            "generate --provider custom --model m --base-url http://127.0.0.1:99999/v1",
            "接口地址应当以 http://",
        ),
        ("generate --provider custom --model m --base-url http://u:p@127.0.0.1/v1", "不能带用户名、密码"),
        ("generate --provider openai", "设置环境变量 OPENAI_API_KEY"),
        ("generate --concurrency 9999", "并发数应当在 1 到 512 之间"),
        ("generate --resume 77", "没有编号为 77 的生成批次"),
        ("generate --resume 7 --retry 7", "只能用一个"),
        ("import /nowhere", "没有 /nowhere 这个文件或文件夹"),
        ("accept --styles 火星文", "--styles 写了“火星文”"),
        ("accept --names 火星人", "--names 写了“火星人”"),
        ("accept --ids 999", "编号为 999 的样本不存在"),
        ("accept --ids one", "--ids 应当是用逗号分开的样本编号，写的是 one"),
        ("accept --ids 99999999999999999999", "--ids 应当是用逗号分开的样本编号"),
        ("reject", "请说明弃用哪些"),
        ("accept --option length=short,lnog", "条件“长度”里没有选项“lnog”，有的是：短（short）"),
        ("accept --option 场合=短", "没有条件“场合”，有的是：长度（length）"),
        ("freeze --name v1 --option 长度=巨", "没有选项“巨”"),
        ("judge --provider ollama --model m --option 长度=巨", "没有选项“巨”"),
        ("keep-best --option 长度=巨", "没有选项“巨”"),
        ("replace a b --option 长度=巨", "没有选项“巨”"),
        ("rebuild-inputs --option 长度=巨", "没有选项“巨”"),
        ("set-system --option 长度=巨", "没有选项“巨”"),
        ("freeze --name v1", "没有可以冻结的样本：请先到审核页采用一些样本"),
        ("freeze --name ../up", "数据集名字“../up”不能用"),
        ("export v9", "没有名叫“v9”的数据集版本"),
        ("train", "还没有数据集版本；先审核样本，再冻结一个：python -m tianji_core freeze --name v1"),
        ("train --resume 3", "没有编号为 3 的训练"),
        ("experiment --mix chat=0,0.2 --mix chat=0.3,0.4", "“chat”写了两次"),
        ("experiment --mix chat=0.2 --mix chat=0.3,0.4", "“chat”写了两次"),
        ("convert --training 9", "没有编号为 9 的训练"),
        ("merge nobody", "没有名叫“nobody”的模型，有的是：nano-base"),
        ("merge nano-base", "“nano-base”不是适配器"),
        ("merge nano-base --device tpu", "合并只能在 cpu、cuda、auto 上做"),
        ("download nobody", "应为“组织/名字”"),
        ("download a/b --source moon", "不认识来源“moon”"),
        ("models --register /nowhere", "模型文件夹 /nowhere 不存在"),
        ("chat hi --model nobody", "没有名叫“nobody”的模型"),
        ("chat hi --url nonsense", "服务地址应当像 http://127.0.0.1:8000/v1"),
        ("chat hi --url http://[::1", "服务地址应当像 http://127.0.0.1:8000/v1"),
        ("chat hi --url http://127.0.0.1:9/v1 --key-variable NOT_SET", "环境变量 NOT_SET 没有设置"),
        ("chat --name 大舅", "--name 和 --scene 要一起给"),
        ("chat --name 火星人 --scene 生日", "配方里没有称谓“火星人”"),
        ("chat hi --name 大舅 --scene 生日", "不能都给"),
        ("chat hi --option 长度=短", "--option 要和 --name、--scene 一起给"),
        ("chat --option 长度=短", "--option 要和 --name、--scene 一起给"),
        ("chat --name 大舅 --scene 生日 --option 长度=短,长", "每个条件只能有一个选项"),
        ("compare --name 大舅 --scene 登月", "配方里没有场景“登月”"),
        ("compare --text 你好 --option 长度=短", "--option 要和 --name、--scene 一起给"),
        ("compare --held-out 2 --option 长度=短", "--option 要和 --name、--scene 一起给"),
        ("serve --model nobody", "没有名叫“nobody”的模型"),
        ("serve --device tpu", "用不了设备 tpu"),
        ("serve --program vllm --api-key --dtype float16", "vLLM 不认 --dtype、--api-key"),
        ("serve --program lmdeploy --quantization 4bit", "LMDeploy 不认 --quantization"),
        ("serve --program studio --print", "工坊自己的服务没有 --print"),
        ("serve --gpus 2", "工坊自己的服务没有 --print 和 --gpus"),
        ("serve --dtype int3", "没有数值格式 int3，可以的是：auto"),
        ("studio --host nowhere.invalid", "--host 应当是这台机器的地址"),
        ("evaluate --model nobody", "没有名叫“nobody”的模型"),
        ("evaluate --styles 火星文", "没有风格“火星文”"),
        ("evaluate --training-file /nowhere --limit 1", "读不了训练文件 /nowhere"),
        ("jobs --stop 55", "没有编号为 55 的后台任务"),
        ("jobs --log 55", "没有编号为 55 的后台任务"),
        ("demo --styles 火星文", "没有风格“火星文”"),
    ],
)
def test_what_does_not_exist_or_cannot_be(verb, workspace, arguments, sentence):
    assert sentence in verb(*arguments.split()).refusal
    assert runs.listed(workspace.engine) == []


def test_a_plan_without_a_task_says_what_to_switch_on(verb, workspace):
    recipe = load_recipe(built_in_recipes()["wishes"])
    nobody = tuple(name.model_copy(update={"enabled": False}) for name in recipe.names)
    recipes.save(workspace.engine, changed(recipe, names=nobody), 0, "全部关掉")
    for command in ("plan", "generate", "demo"):
        refusal = verb(command).refusal
        assert "没有任何任务" in refusal and "称谓、场景和风格请至少各启用一个" in refusal
    assert runs.listed(workspace.engine) == []


def test_a_demo_that_is_refused_keeps_the_last_report(verb, workspace):
    write_report(workspace, DemoReport(complete=True, copied=0.25))
    assert verb("demo", "--styles", "火星文").code == 2
    assert read_report(workspace) == DemoReport(complete=True, copied=0.25)


def test_a_name_that_is_taken(verb, workspace):
    add_version(workspace, "v1")
    before = (workspace.datasets / "v1" / "train.json").read_bytes()
    verb("generate", "--limit", 3)
    verb("accept")
    assert "已经有名叫“v1”的数据集版本了" in verb("freeze", "--name", "v1").refusal
    assert (workspace.datasets / "v1" / "train.json").read_bytes() == before
    assert [path.name for path in workspace.datasets.iterdir()] == ["v1"]
    assert len(datasets.listed(workspace.engine)) == 1


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("bad.json", '[\n{"a": 1},\n{"b" 2}]', "bad.json 第 3 行第 6 列不是合法的 JSON：这里缺一个冒号"),
        ("blob.json", bytes(range(256)), "blob.json 的编码认不出来：不像 UTF-8、GB18030 或 Big5 的文本"),
        ("empty.json", "  \n", "empty.json 是空的"),
        ("number.json", "3", "最外层应当是一个列表"),
    ],
)
def test_a_file_that_cannot_be_imported(verb, workspace, tmp_path, name, content, sentence):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert sentence in verb("import", path).refusal
    assert verb("review-stats", "--json").json()["states"]["pending"] == 0


def test_a_file_without_one_conversation_is_a_failure_that_names_each_item(verb, tmp_path):
    path = tmp_path / "odd.jsonl"
    good = json.dumps({"messages": []})
    path.write_text(f'{good}\n\n{{"a": 1}}\n{{"b" 2}}\n', encoding="utf-8")
    said = verb("import", path)
    assert said.code == 2 and "没有一条可以导入" in said.failure
    assert "第 4 行第 6 列不是合法的 JSON" in said.out


@pytest.mark.parametrize(("target", "sentence"), [("folder", "已经有了"), ("file/below.json", "不存在")])
def test_an_export_that_cannot_be_written(verb, workspace, tmp_path, target, sentence):
    add_version(workspace, "v1", 3)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    assert sentence in verb("export", "v1", "--output", tmp_path / target).refusal
    assert (tmp_path / "file").read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "workspace"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("title: x\n  names: []\n", "坏.yaml 第 2 行不是合法的 YAML：这里不该有冒号"),
        ("a: [1,\n2\n", "方括号没有配对"),
        ("a:\n\t- b\n", "第 2 行不是合法的 YAML：缩进只能用空格"),
        ("a: 1\nb: \x07\n", "第 2 行不是合法的 YAML：有看不见的控制字符"),
        ("- 1\n", "应当是一张“键: 值”的表"),
        ("[" * 3000, "套得太深"),
    ],
)
def test_a_recipe_that_is_not_yaml_names_the_line(text, sentence):
    with pytest.raises(RecipeError) as refused:
        parse_recipe(text, "坏.yaml")
    assert sentence in str(refused.value) and "\n" not in str(refused.value)


@pytest.fixture
def taken_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.mark.parametrize("command", ["serve", "studio"])
def test_a_port_that_is_taken(verb, command, taken_port):
    refusal = verb(command, "--port", taken_port).refusal
    assert f"端口 {taken_port} 已被占用" in refusal and "换一个" in refusal


def test_stopping_what_has_ended(verb, workspace):
    assert verb("generate", "--limit", 1).code == 0
    assert verb("jobs", "--stop", 1).refusal == "任务 1 已经结束（已完成），不用停止"


def test_a_chat_without_any_server(verb):
    said = verb("chat", "hi", "--url", "http://127.0.0.1:9/v1", "--model", "m")
    assert (said.code, said.out) == (1, "") and "连不上模型服务" in said.failure


def test_a_chat_whose_answer_is_empty(verb, api):
    choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}
    event = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    api.script.append(sends_bytes(f"data: {json.dumps(event)}\n\n".encode(), "text/event-stream"))
    said = verb("chat", "hi", "--url", api.url)
    assert (said.code, said.out) == (1, "") and "“loopback-model”的回答是空的" in said.failure


def test_a_chat_with_a_server_that_does_not_stream(verb, api):
    said = verb("chat", "hi", "--url", api.url)
    assert (said.code, said.out) == (1, "") and "什么也没有回答" in said.failure and api.url in said.failure
