"""The shipped folder is whole, and a folder that is not says how to get a whole one."""

import json
import shutil
import subprocess
import sys

import pytest

from tianji_core.errors import ModelError
from tianji_core.models.nano import FOLDER, MANIFEST, nano_base


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(FOLDER, tmp_path / "base")


def test_the_shipped_base_is_whole_and_small():
    assert nano_base() == FOLDER
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 20_000_000
    assert "Apache-2.0" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_a_missing_file_is_named_with_the_command_that_makes_it_again(copy):
    (copy / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors.*tianji_core\.models\.nano\.build"):
        nano_base(copy)


def test_damaged_weights_are_noticed(copy):
    weights = copy / "model.safetensors"
    damaged = bytearray(weights.read_bytes())
    damaged[-1] ^= 0xFF
    weights.write_bytes(damaged)
    with pytest.raises(ModelError, match="损坏"):
        nano_base(copy)


@pytest.mark.parametrize("content", [None, "{", json.dumps({"sha256": None}), "[]"])
def test_a_folder_without_a_usable_manifest_is_not_whole(copy, content):
    if content is None:
        (copy / MANIFEST).unlink()
    else:
        (copy / MANIFEST).write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match="重新构建"):
        nano_base(copy)


def test_looking_at_the_folder_loads_no_torch():
    code = "import sys, tianji_core.models.nano as n; n.nano_base(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
