"""What Streamlit's theme cannot say: its own words in the person's language, the studio's style sheet, which
also hides the CSV button of tables, since cells could be formulas, and scripts for the whole page."""

import json
from pathlib import Path

import streamlit as st

from tianji_core.i18n import _, language

_WORDS = """<style>
.stApp {{ --beside: {beside} }}
[data-testid="stFileUploaderDropzone"] button p,
[data-testid="stFileUploaderDropzoneInstructions"] span {{ font-size: 0 }}
[data-testid="stFileUploaderDropzone"] button p::after {{ content: {pick}; font-size: 0.875rem }}
[data-testid="stFileUploaderDropzoneInstructions"] span::after {{ content: {drop}; font-size: 0.875rem }}
[data-testid="stMainMenuItem-theme-System"]::after {{ content: {system} }}
[data-testid="stMainMenuItem-theme-Light"]::after {{ content: {light} }}
[data-testid="stMainMenuItem-theme-Dark"]::after {{ content: {dark} }}
[data-testid="stMainMenuItem-about"] [data-testid="stMainMenuItemLabel"]::after {{ content: {about} }}
</style>"""

_SENDS = """<script>
if (!window.studioSendsTyped) {
  window.studioSendsTyped = true;
  let later = 0, composing = false;
  const send = field => {
    if (composing || document.activeElement !== field || !field.isConnected) return;
    for (const name of ['focusout', 'focusin']) field.dispatchEvent(new FocusEvent(name, {bubbles: true}));
  };
  const typed = event => {
    composing = event.type === 'compositionstart' || event.isComposing && event.type === 'input';
    clearTimeout(later);
    if (event.target.matches('.stTextArea textarea')) later = setTimeout(send, 1500, event.target);
  };
  for (const name of ['input', 'compositionstart', 'compositionend'])
    document.addEventListener(name, typed, true);
  document.addEventListener('focusout', ({target, relatedTarget, isTrusted}) => {
    const field = target.closest('.stTextInput');
    if (isTrusted && relatedTarget && field?.contains(relatedTarget) && target.matches('input'))
      target.dispatchEvent(
        new FocusEvent('focusout', {bubbles: true, relatedTarget: field.parentElement}));
  }, true);
}
</script>"""
"""A long text is sent, and so kept, when a person pauses: Streamlit itself waits until the field is left,
which a refresh never does. The field keeps the focus, and a text that an input method is composing is left
alone. What is typed into a line is sent, too, where the Tab key goes on to a button in the field itself, the
eye of a secret: Streamlit waits until the field is left as a whole, and then does not notice it."""


def translate_widgets() -> None:
    """Translates the upload field, the menu, dialogs and the lists of fields, loads the style sheet of the
    studio, sends what is typed into a long text at every pause, and keeps the browser's history in order."""
    words = {
        "pick": _("选择文件"),
        "drop": _("或者把文件拖到这里"),
        "system": _("跟随系统"),
        "light": _("浅色"),
        "dark": _("深色"),
        "about": _("关于"),
    }
    st.html(Path(__file__).with_name("look.css"))
    shown = {name: json.dumps(word, ensure_ascii=False) for name, word in words.items()}
    st.html(_WORDS.format(beside="61rem" if language() == "zh" else "75rem", **shown))
    lists = _script("list_words.js")
    said_in = {"WORDS": _list_words(), "LABELS": _label_words(), "DIALOGS": _dialog_words()}
    for place, said in said_in.items():
        lists = lists.replace(f"= {place};", f"= {json.dumps(said, ensure_ascii=False)};", 1)
    with st.container(key="typing_script"):
        st.html(_SENDS, unsafe_allow_javascript=True)
        for script in (lists, _script("history_entries.js")):
            st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)


def _list_words() -> dict[str, str]:
    """Streamlit's words in the lists of its fields, with %s for what is typed or counted, and ours."""
    return {
        "No results": _("没有匹配的"),
        "Select all": _("全选"),
        "Select %s matches": _("选中匹配的 %s 个"),
        "Add: %s": _("添加：%s"),
        "You can only select up to %s option. Remove an option first.": _("最多选 %s 个；先去掉一个"),
        "You can only select up to %s options. Remove an option first.": _("最多选 %s 个；先去掉一个"),
    }


def _dialog_words() -> dict[str, str]:
    """What Streamlit says of an address that leads to no page, and ours."""
    return {
        "Page not found": _("没有这一页"),
        "The page that you have requested does not seem to exist. Running the app's main page.": _(
            "地址写错了，或者这一页改了名字；现在打开的是总览。"
        ),
    }


def _label_words() -> dict[str, str]:
    """Streamlit's names of its own parts, as screen readers say them, and its words in empty fields, with %s
    for what is named."""
    return {
        "App pages": _("工坊的页面"),
        "Sidebar": _("侧栏"),
        "Collapse sidebar": _("收起侧栏"),
        "Expand sidebar": _("展开侧栏"),
        "Main menu": _("主菜单"),
        "Help": _("帮助"),
        "Help for %s": _("帮助：%s"),
        "Open": _("展开"),
        "Close": _("关闭"),
        "Remove %s": _("去掉 %s"),
        "Clear selection": _("清除所选"),
        "Clear all": _("全部清除"),
        "Choose an option": _("选一个"),
        "Choose options": _("选几个"),
        "Increment": _("加一点"),
        "Decrement": _("减一点"),
        "Add row": _("加一行"),
        "Delete row(s)": _("删除选中的行"),
        "Search": _("搜索"),
        "Show/hide columns": _("显示或隐藏列"),
        "Fullscreen": _("全屏"),
        "Close fullscreen": _("退出全屏"),
        "Copy to clipboard": _("复制到剪贴板"),
        "Link to heading": _("这一节的链接"),
        "Shortcut %s": _("快捷键 %s"),
        "Send message": _("发送"),
        "Show password": _("显示密码"),
        "Hide password": _("隐藏密码"),
        "progress": _("进度"),
        "%s — start": _("%s：从"),
        "%s — end": _("%s：到"),
    }


def _script(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
