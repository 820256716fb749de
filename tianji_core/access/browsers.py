"""What people call the browser of a login, from the line by which it names itself."""

from tianji_core.i18n import _

_BROWSERS = (
    *(("edg", "Edge"), ("opr/", "Opera"), ("firefox", "Firefox")),
    *(("fxios", "Firefox"), ("crios", "Chrome"), ("chrome", "Chrome"), ("chromium", "Chrome")),
    ("safari", "Safari"),
)
"""Words of such a line and the browser they stand for; the first that it has counts, because most browsers
also name those that they are like."""
_SYSTEMS = (
    *(("android", "Android"), ("iphone", "iPhone"), ("ipad", "iPad"), ("windows", "Windows")),
    *(("mac os", "macOS"), ("cros", "ChromeOS"), ("linux", "Linux")),
)


def browser_title(line: str) -> str:
    """Returns browser and system of a ``User-Agent`` line, such as "Chrome · Linux"; the beginning of a line
    that names neither, which programs send."""
    said = line.casefold()
    found = [next((title for word, title in table if word in said), "") for table in (_BROWSERS, _SYSTEMS)]
    return " · ".join(filter(None, found)) or line[:40] or _("不知道是什么浏览器")
