"""``doctor`` loads tokenizer and configuration of every model as a training would."""

from tests.families.bases import write_own_code
from tianji_core import models


def test_a_model_that_loads_is_listed_and_one_that_does_not_is_the_verdict(verb, workspace, tmp_path):
    base = tmp_path / "internlm2.5-chat"
    base.mkdir()
    write_own_code(base)
    models.register_folder(workspace, base)
    found = verb("doctor", "--json").json()  # nobody allowed its code
    assert "internlm2.5-chat" not in found["bases"]
    assert "--trust-remote-code" in found["untried"]["internlm2.5-chat"]

    models.allow_code(workspace, "internlm2.5-chat")
    told = verb("doctor")
    assert told.code == 0 and "✓ nano-base" in told.out
    assert "✓ internlm2.5-chat  分词器 WishTokenizerFast" in told.out

    code = base / "tokenization_wish.py"
    code.write_text(
        code.read_text(encoding="utf-8").replace("import shutil", "import shutill"), encoding="utf-8"
    )
    models.allow_code(workspace, "internlm2.5-chat")
    told = verb("doctor")
    assert told.code == 2 and "✗ internlm2.5-chat  分词器加载不了" in told.out
    assert "internlm2.5-chat" in told.failure and "shutill" in told.failure
