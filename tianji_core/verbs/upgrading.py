"""The verb upgrade-check: what this version will change in a workspace."""

from dataclasses import asdict

import typer

from tianji_core import models
from tianji_core.i18n import _, set_language
from tianji_core.jobs import duration_text
from tianji_core.upgrade import UpgradeReport, upgrade_report
from tianji_core.verbs.common import JsonOption, WorkspaceOption, show
from tianji_core.verbs.system import PACKAGES
from tianji_core.workspace import existing_workspace

WAITS = 3
"""Exit code where something waits."""


def upgrade_check(as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Say what this version will change in a workspace of an older one; changes nothing itself.

    Exit code 0: nothing waits; 3: something does.
    """
    space = existing_workspace(workspace)
    set_language(space.settings().language)
    report = upgrade_report(space, PACKAGES)
    facts = asdict(report) | {"space_needed": report.space_needed, "waits": report.waits}
    show(facts, as_json, "\n".join([*_head(report), *_database(report), *_forms(report), *_versions(report)]))
    if report.waits:
        raise typer.Exit(WAITS)


def _head(report: UpgradeReport) -> list[str]:
    before = report.version_before or _("没有记下")
    lines = [_("工作区 {home}", home=report.workspace)]
    lines.append(_("上次打开它的版本：{before}；现在的版本：{now}", before=before, now=report.version))
    if not report.waits:
        lines.append(_("✓ 没有要升级的"))
    return lines


def _database(report: UpgradeReport) -> list[str]:
    if not report.revisions:
        return []
    lines = [
        _("数据库：第 {before} 号结构，打开时升到 {after}", before=report.schema, after=report.schema_after)
    ]
    lines += [f"  {number}  {sentence}" for number, sentence in report.revisions.items()]
    if report.closed_to:
        lines.append(
            _(
                "升级以后，版本 {versions} 打不开它；要回到旧版本，就用 restore 恢复升级前的备份",
                versions=_("、").join(report.closed_to),
            )
        )
    if not report.backup_size:
        return [*lines, _("数据库在服务器上：升级前请自己用 pg_dump 备份")]
    sizes = {
        "size": models.size_text(report.backup_size),
        "time": duration_text(max(1, report.backup_seconds)),
        "needed": models.size_text(report.space_needed),
        "free": models.size_text(report.free),
    }
    lines.append(_("升级前自动备份：{size}，约 {time}；连同升级要 {needed}，磁盘剩 {free}", **sizes))
    if report.free < report.space_needed:
        lines.append(_("✗ 磁盘空间不够，请先腾出 {needed}", needed=sizes["needed"]))
    return lines


def _forms(report: UpgradeReport) -> list[str]:
    lines = [_("✗ {reason}", reason=reason) for reason in report.refused.values()]
    for key, fields in report.recipes.items():
        lines.append(
            _("配方 {key} 是旧的写法，下次保存时添上：{fields}", key=key, fields=_("、").join(fields))
        )
    if report.settings:
        lines.append(_("设置下次保存时添上：{fields}", fields=_("、").join(report.settings)))
    if report.unknown_settings:
        lines.append(
            _(
                "设置里这个版本不认识的项，下次保存时去掉：{fields}",
                fields=_("、").join(report.unknown_settings),
            )
        )
    return lines


def _versions(report: UpgradeReport) -> list[str]:
    return [
        _("{name}：{before} → {now}", name=each.name, before=each.before or "–", now=each.now or "–")
        for each in report.differences
    ]
