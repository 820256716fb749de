"""The address of the database holds a password: none of its forms is repeated anywhere."""

import re
from urllib.parse import quote

import pytest

from tianji_core.errors import SettingsError
from tianji_core.store.address import check_address, shown_address
from tianji_core.store.database import open_engine

SECRET = "Planted9Secret"
FORMS = [
    f"postgresql+psycopg://me:{SECRET}@127.0.0.1:1/studio",
    f"postgresql+psycopg://me@127.0.0.1:1/studio?password={SECRET}",
    f"postgresql+psycopg://127.0.0.1:1/studio?user=me&password={SECRET}&sslpassword={SECRET}",
    f"postgresql+psycopg:///studio?host=127.0.0.1&port=1&password={SECRET}",
    f"postgresql+psycopg://me:p@{SECRET}@127.0.0.1:1/studio",
    f"postgresql+psycopg://me/you:{SECRET}@127.0.0.1:1/studio",
    f"postgresql+psycopg://me:{SECRET}",
    f"postgresql+psycopg://me:{quote('p@/' + SECRET, safe='')}@127.0.0.1:1/studio",
    f"postgresql+psycopg://me:{SECRET}@127.0.0.1:port/studio",
    f"postgresql+psycopg://me:{SECRET}@127.0.0.1:1/studio?nonsense=1",
    f"postgresql+psycopg://me:{SECRET}@[::1/studio",
    f"postgresql+psycopg://me@127.0.0.1:1/studio?options=-cpassword={SECRET}",
    f"postgresql+psycopg://me@127.0.0.1:1/studio?options=-c%20app.token%3D{SECRET}%20-c%20work_mem%3D9MB",
    f"postgresql+psycopg://me@127.0.0.1:1/studio?pw={SECRET}",
    f"postgresql+psycopg://me@127.0.0.1:1/studio?PassWord={SECRET}",
    f"postgresql+psycopg://me@127.0.0.1:1/studio?host=me:{SECRET}@127.0.0.1",
    f"postgresql+psycopg://me@127.0.0.1:1/studio?application_name=password={SECRET}",
    f"postgresql+psycopg://me@127.0.0.1:1/dbname=studio%20password={SECRET}",
    f"mssql+pyodbc://?odbc_connect=DRIVER%3Dx%3BUID%3Dme%3BPWD%3D{SECRET}",
    f"postgresql:/me:{SECRET}@127.0.0.1/studio",
    f"jdbc:postgresql://127.0.0.1/studio?password={SECRET}",
    f"host=127.0.0.1 user=me password={SECRET}",
    f"nothing+known://me:{SECRET}@127.0.0.1/studio",
    f"mysql+nodriver://me:{SECRET}@127.0.0.1/studio",
    f"postgresql+psycopg://me:{SECRET}@127.0.0.1:1/studio\nx",
    f"{SECRET}",
]


@pytest.mark.parametrize("url", FORMS)
def test_no_form_of_a_password_is_repeated(url: str, monkeypatch: pytest.MonkeyPatch, verb) -> None:
    monkeypatch.setenv("TIANJI_DATABASE_URL", url)
    with pytest.raises(SettingsError) as refused:
        open_engine(url)
    sentence = str(refused.value)
    assert SECRET not in sentence and "\n" not in sentence and "sqlalche.me" not in sentence
    assert SECRET not in shown_address(url)
    for words in (["doctor", "--json"], ["plan"], ["studio", "--port", "1"], ["doctor", "--help"]):
        said = verb(*words)
        assert SECRET not in said.out + said.err and "Traceback" not in said.err


@pytest.mark.parametrize("password", ["x", "密码"])
def test_a_short_password_is_not_repeated_either(password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"postgresql+psycopg://me:{quote(password)}@127.0.0.1:1/studio?nonsense={password}"
    with pytest.raises(SettingsError) as refused:
        open_engine(url)
    assert not re.search(rf"[:=]{password}[@&]", str(refused.value))


def test_a_plain_address_is_shown_as_it_is() -> None:
    url = "postgresql+psycopg://me@127.0.0.1/studio?sslmode=require"
    check_address(url)
    assert shown_address(url) == url
