"""The code in the card of a pushed model runs as it is printed and asks as the training did."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.families.own_templates import OWN
from tests.serving.tiny import make_adapter
from tests.tiny_base import write_tiny_base
from tianji_core.model_folders.manifest import Artefact, write_artefact
from tianji_core.model_folders.messages import ChatMessage
from tianji_core.model_folders.prompt import encode
from tianji_core.model_folders.template import OWN_TEMPLATE
from tianji_core.models import known_bases
from tianji_core.push.cards import model_readme
from tianji_core.push.target import PushTarget
from tianji_core.workspace import Workspace

BASE, REPO = next(base for base in known_bases() if base.title == "InternLM2-Chat-7B"), "someone/wishes"
SYSTEM = "祝您"


def printed(card: str) -> str:
    """The code of a card."""
    return card.split("```python\n")[1].split("```")[0]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("hub", ["huggingface", "modelscope"])
@pytest.mark.parametrize("kind", ["merged", "adapter"])
def test_the_code_runs_where_the_files_lie_under_their_names(
    workspace: Workspace, tmp_path: Path, hub: str, kind: str
) -> None:
    base = write_tiny_base(tmp_path / (BASE.huggingface if hub == "huggingface" else BASE.modelscope))
    folder = tmp_path / REPO
    if kind == "merged":
        shutil.copytree(base, folder)
    else:
        make_adapter(folder, base, seed=1)
    model = Artefact(name="x", kind=kind, title="x", path=folder, base=base, system=SYSTEM)
    write_artefact(folder, model, workspace.home)
    target = PushTarget(hub, "model", REPO, "http://127.0.0.1:9")
    code = printed(model_readme(workspace, model, BASE, target, "apache-2.0"))
    # What the hub's client would have fetched is in the folder already.
    code = code.replace(f'snapshot_download("{REPO}")', f'"{REPO}"')
    check = (
        "from tianji_core.model_folders.messages import ChatMessage\n"
        "from tianji_core.model_folders.prompt import encode\n"
        f"said = [ChatMessage(role='system', content={SYSTEM!r}), "
        "ChatMessage(role='user', content='祝妹妹生日')]\n"
        "print(asked[0].tolist() == encode(tokenizer, 'internlm2_chat', said), type(model).__name__)"
    )
    offline = {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT), "MODELSCOPE_CACHE": str(tmp_path / "cache")}
    ended = subprocess.run(
        [sys.executable, "-c", code + check],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, **offline},
    )
    loaded = {"merged": "LlamaForCausalLM", "adapter": "PeftModelForCausalLM"}[kind]
    assert ended.stdout.splitlines()[-1:] == [f"True {loaded}"], ended.stderr[-2000:]


@pytest.mark.parametrize("own", OWN)
def test_the_prompt_by_the_tokenizers_own_template_is_that_of_the_training(
    workspace: Workspace, tmp_path: Path, own: str
) -> None:
    """Also where the template writes today's date, or an empty block of thoughts."""
    from transformers import AutoTokenizer

    OWN[own](tmp_path)
    model = Artefact(
        name="x", kind="merged", title="x", path=tmp_path, base=tmp_path, template=OWN_TEMPLATE, system=SYSTEM
    )
    target = PushTarget("huggingface", "model", REPO, "http://127.0.0.1:9")
    code = printed(model_readme(workspace, model, None, target, "apache-2.0"))
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    (prompt,) = re.findall(r"^prompt = (.+)$", code, re.MULTILINE)
    asked = tokenizer(eval(prompt, {"tokenizer": tokenizer}), add_special_tokens=False).input_ids
    said = [ChatMessage(role="system", content=SYSTEM), ChatMessage(role="user", content="祝妹妹生日")]
    assert asked == encode(tokenizer, OWN_TEMPLATE, said)
