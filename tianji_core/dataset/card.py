"""The data card of a version in Chinese and English, made from its manifest. Pure except for its
templates."""

from functools import cache
from typing import Any

from tianji_core.project import CONFIGS

CARDS = {"README_zh.md": "card_zh.md", "README.md": "card_en.md"}
"""The file beside the training file → its template under ``configs/dataset``."""
_WORDS = {
    "README_zh.md": {"none": "无", "unlimited": "不限", True: "是", False: "否", "unknown": "（不明）"},
    "README.md": {"none": "none", "unlimited": "unlimited", True: "yes", False: "no", "unknown": "(unknown)"},
}


_ACTIONS = {
    "README_zh.md": {
        "edit": "修改",
        "fix": "按规则修正",
        "table": "在列表里改",
        "replace": "查找替换",
        "inputs": "重写输入",
        "system": "换系统提示",
        "rename": "随列表改名",
    },
    "README.md": {
        "edit": "edited",
        "fix": "fixed by rule",
        "table": "changed in the table",
        "replace": "changed by find and replace",
        "inputs": "got a rebuilt input",
        "system": "got another system prompt",
        "rename": "renamed with the lists",
    },
}


_VARIED = {
    "README_zh.md": "变换：{names} 条换了人（要 {names_share:.0%}），{occasions} 条换了事（要 {occasions_share:.0%}），"
    "换成的都不在名单里，种子 {seed}，逐条见 {file}。\n",
    "README.md": "Varied: {names} samples got another receiver ({names_share:.0%} asked for), {occasions} "
    "another matter ({occasions_share:.0%} asked for), none of them in the lists; seed {seed}; "
    "{file} lists each.\n",
}


@cache
def _template(file: str) -> str:
    return (CONFIGS / "dataset" / file).read_text(encoding="utf-8")


def data_cards(manifest: dict[str, Any], title: str) -> dict[str, str]:
    """Returns file name → Markdown of the card."""
    return {file: _card(manifest, title, file) for file in CARDS}


def _card(manifest: dict[str, Any], title: str, file: str) -> str:
    words = _WORDS[file]
    balance, rules = manifest["balance"], manifest["rules"]["ids"]
    chosen = [f"{key} = {value}" for key, value in manifest["filter"].items() if key != "recipe"]
    return _template(CARDS[file]).format(
        name=manifest["name"],
        note=_one_line(manifest["note"]),
        title=_one_line(title),
        recipe=manifest["recipe"],
        revision=manifest["recipe_revision"],
        threshold=manifest["threshold"],
        count=manifest["count"],
        turns=manifest["turns"],
        characters=manifest["characters"],
        validation_count=manifest.get("validation", {}).get("count", 0),
        created_at=manifest["created_at"],
        sha256=manifest["sha256"],
        parents=", ".join(parent["name"] for parent in manifest["parents"]) or words["none"],
        sources=", ".join(f"{key} {number}" for key, number in manifest["by_source"].items()),
        filter=_one_line("; ".join(chosen)) or words["none"],
        changed=_changed(manifest, file) or words["none"],
        varied=_varied(manifest, file),
        **{way: manifest["acceptance"][way] for way in ("single", "bulk", "imported", "other")},
        per_cell=balance["per_cell"] or words["unlimited"],
        per_style=balance["per_style"] or words["unlimited"],
        left_out=manifest["left_out"],
        shuffle=words[balance["shuffle"]],
        seed=balance["seed"],
        rules_count=len(rules),
        rules=", ".join(rules),
        styles="\n".join(_style_row(manifest, style, words["unknown"]) for style in manifest["by_style"]),
        cells=sum(bool(name and scene) for name, scene, _number in manifest["cells"]),
        openings=", ".join(f"{_one_line(text)} {number}" for text, number in manifest["openings"][:8]),
    )


def _changed(manifest: dict[str, Any], file: str) -> str:
    actions, nobody = _ACTIONS[file], _WORDS[file]["unknown"]
    return ", ".join(
        f"{_one_line(who) or nobody} {actions[action]} {number}"
        for who, action, number in manifest["acceptance"]["changed"]
    )


def _varied(manifest: dict[str, Any], file: str) -> str:
    """The line on replaced receivers and occasions; '' where nothing was to be replaced."""
    facts = manifest.get("varied")
    return _VARIED[file].format(**facts) if facts else ""


def _style_row(manifest: dict[str, Any], style: str, unknown: str) -> str:
    lengths, distinct = manifest["lengths"][style], manifest["distinct"][style]
    span = f"{lengths['min']} / {lengths['median']} / {lengths['max']}"
    number = manifest["by_style"][style]
    return f"| {style or unknown} | {number} | {span} | {distinct[0]:.3f} | {distinct[1]:.3f} |"


def _one_line(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
