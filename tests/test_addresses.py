"""Addresses: none with a secret is stored, and none is shown with one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.addresses import address_problem, without_credentials
from tianji_core.dataset.hub import check_endpoint
from tianji_core.errors import ImportFileError, InputError, SettingsError
from tianji_core.gate import clean_sentence, first_line
from tianji_core.serving.client import base_url
from tianji_core.teachers import TeacherChoice, load_providers

SECRET = "planted9secret"
WITH_SECRETS = [
    f"https://me:{SECRET}@example.org/v1",
    f"https://{SECRET}@example.org/v1",
    f"https://:{SECRET}@example.org/v1",
    f"https://me:p@{SECRET}@example.org/v1",
    f"https://me:p/{SECRET}@example.org/v1",
    f"https://example.org/v1?token={SECRET}",
    f"https://example.org/v1?{SECRET}",
    f"https://example.org/v1#key={SECRET}",
    f"https://example.org/v1#{SECRET}",
]
UNUSABLE = [
    "https://example.org/v1\n",
    "https://example.org/v1\r\nHost: other",
    "https://exa\tmple.org",
    "https://example.org/v1 ",
    ",",
    "https://example.org/\u202ev1",
    "http://[::1",
    "http://x:99999",
    "http://x:0",
    "ftp://example.org",
    "https://",
    "http://127.0.0.1\\.example.org/v1",
    "//example.org",
    "https://example.org/" + "a" * 2000,
]


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8000/v1", "https://模型.example.org/a/b;c", "http://[::1]:1"]
)
def test_a_plain_address_is_taken(address):
    assert address_problem(address) == ""


@pytest.mark.parametrize("address", [*WITH_SECRETS, *UNUSABLE])
def test_no_room_takes_an_address_with_a_secret_or_a_line_end(address, tmp_path):
    problem = address_problem(address)
    assert problem and "\n" not in problem and SECRET not in problem
    with pytest.raises(ValueError, match="接口地址"):
        TeacherChoice(provider="custom", model="m", base_url=address)
    file = tmp_path / "providers.yaml"
    file.write_text(f"mine: {{title: x, sdk: openai, base_url: {json.dumps(address)}}}\n", encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_providers(file)
    assert SECRET not in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("address", WITH_SECRETS)
def test_refusals_of_servers_and_hubs_do_not_repeat_the_secret(address):
    for refuse, kind in ((base_url, InputError), (check_endpoint, ImportFileError)):
        with pytest.raises(kind) as refused:
            refuse(address)
        assert SECRET not in str(refused.value)


@given(st.text(), st.sampled_from(WITH_SECRETS), st.text())
def test_an_address_anywhere_in_a_text_loses_its_secret(before, address, after):
    assert SECRET not in without_credentials(f"{before} {address} {after}")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key_variable", f"sk-{SECRET}"),
        ("api_key", SECRET),
        ("password", SECRET),
        ("models", f"[{{name: {SECRET}, price: 1}}]"),
    ],
)
def test_a_key_in_the_wrong_field_of_providers_is_not_repeated(field, value, tmp_path):
    file = tmp_path / "providers.yaml"
    file.write_text(f"mine: {{title: x, sdk: openai, {field}: {value}}}\n", encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_providers(file)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("locked\n(Background on this error at: https://sqlalche.me/e/20/e3q8)", "locked"),
        (
            "bad value\n    For further information visit https://errors.pydantic.dev/2.12/v/int_type",
            "bad value",
        ),
        ("404 for url\nFor more information check: https://developer.mozilla.org/404", "404 for url"),
        (f"cannot reach https://me:{SECRET}@x/v1?token={SECRET}", "cannot reach https://••••@x/v1?••••"),
    ],
)
def test_what_a_library_says_has_no_link_to_its_manual(said, shown):
    assert clean_sentence(said) == shown


def test_the_first_line_of_an_error_names_its_kind_where_it_says_nothing():
    assert (first_line(KeyError()), first_line(ValueError("\n eins\nzwei"))) == ("KeyError", "eins")
