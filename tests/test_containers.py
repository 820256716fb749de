"""The Dockerfile and the compose files name what there is: files, stages, verbs, ports and each other."""

import re
import typing
from fnmatch import fnmatch
from ipaddress import ip_address, ip_network
from pathlib import Path

import httpx
import pytest
import typer.main
import yaml

from tests.loopback import loopback_api
from tests.nginx import needs_nginx, nginx
from tests.processes import free_port, free_ports, listens, until
from tianji_core.cli import program
from tianji_core.serving.client import model_names

ROOT = Path(__file__).resolve().parents[1]
INSTRUCTIONS = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text("utf-8")).splitlines()
IGNORED = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
COMPOSE = {
    path: yaml.safe_load((ROOT / path).read_text("utf-8"))
    for path in ("compose.yaml", "compose.cuda.yaml", "docs/serving/compose.yaml")
}
NGINX_FILES = ("docs/nginx.compose.conf", "docs/serving/nginx.conf")


def instructions(keyword: str) -> list[str]:
    """What follows each instruction of this kind."""
    return [line.split(None, 1)[1] for line in INSTRUCTIONS if line.split(" ")[0] == keyword]


def copied() -> list[str]:
    """The files and folders that are copied into the image."""
    lines = [line.split() for line in instructions("COPY") if not line.startswith("--from=")]
    return [source for line in lines for source in line[:-1]]


def sent(path: str) -> bool:
    """Whether the builder gets this file: the last rule that fits it or a folder above it counts."""
    parts = path.split("/")
    above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    wanted = True
    for rule in (line for line in IGNORED if line and not line.startswith("#")):
        pattern = rule.removeprefix("!").removeprefix("**/")
        places = parts if "**/" in rule else above
        if any(fnmatch(place, pattern) and place.count("/") == pattern.count("/") for place in places):
            wanted = rule.startswith("!")
    return wanted


def test_every_file_that_the_image_copies_exists_and_is_sent() -> None:
    assert len(copied()) > 10
    for source in copied():
        found = sorted(ROOT.glob(source))
        assert found, source
        for path in found:
            inside = next(path.rglob("*.*"), path) if path.is_dir() else path
            assert sent(str(inside.relative_to(ROOT))), inside


@pytest.mark.parametrize(
    "path",
    [
        *(".env", "workspace/studio.db", ".git/config", ".venv/bin/python", "tests/conftest.py"),
        *("tls/studio.key", ".streamlit/secrets.toml"),
    ],
)
def test_nothing_private_is_sent(path: str) -> None:
    assert not sent(path)


def test_the_image_holds_the_folders_of_the_wheel() -> None:
    import tomllib

    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    own = {"tianji_core", *wheel["targets"]["wheel"]["force-include"]}
    assert ".streamlit" not in own, "secrets.toml beside the settings stays out of the wheel, too"
    assert {name for name in own if not any(fnmatch(name, source) for source in copied())} == set()


def test_the_image_runs_without_root_and_says_whether_it_works() -> None:
    assert instructions("USER") == ["studio"] and instructions("VOLUME") == ["/workspace"]
    order = [line.split(" ")[0] for line in INSTRUCTIONS]
    assert order.index("USER") < order.index("CMD")
    stages = [line.split(" AS ")[1] for line in instructions("FROM")]
    assert stages[-2:] == ["cuda", "cpu"], "a build that names no target is the small one"
    assert "/_stcore/health" in instructions("HEALTHCHECK")[0]
    for install in (
        part for line in instructions("RUN") for part in line.split("&&") if "pip install" in part
    ):
        assert "--require-hashes" in install
    assert not re.search(r"https?://(?!127\.0\.0\.1)", "\n".join(INSTRUCTIONS)), "no index is named"


def test_what_the_image_starts_is_a_verb_with_these_options() -> None:
    words = yaml.safe_load(instructions("CMD")[0])
    assert words[:3] == ["python", "-m", "tianji_core"]
    group: typing.Any = typer.main.get_command(program())
    known = {name for parameter in group.commands[words[3]].params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known
    port = words[words.index("--port") + 1]
    assert instructions("EXPOSE") == [port] and f":{port}/" in instructions("HEALTHCHECK")[0]


def test_the_compose_files_name_stages_ports_volumes_and_files_there_are() -> None:
    stages = {line.split(" AS ")[1] for line in instructions("FROM")}
    main = COMPOSE["compose.yaml"]
    for path in ("compose.yaml", "compose.cuda.yaml"):
        assert COMPOSE[path]["services"]["studio"]["build"]["target"] in stages
    assert main["services"]["studio"]["ports"] == ["127.0.0.1:6006:6006"], "only nginx is for other machines"
    for path, content in COMPOSE.items():
        for service in content["services"].values():
            for volume in service.get("volumes", []):
                source = re.sub(r"\$\{[^}]*\}", "/given", volume).split(":")[0]
                if source.startswith("./") and source != "./tls":
                    assert (ROOT / path).parent.joinpath(source).is_file(), volume
                elif not source.startswith(("/", "./")):
                    assert source in content["volumes"]
            assert ":latest" not in service.get("image", ":") and ":" in service.get("image", ":")
    networks = main["services"]["proxy"]["networks"]
    trusted = main["services"]["studio"]["environment"]["TIANJI_TRUSTED_PROXIES"]
    assert networks["inside"]["ipv4_address"] == trusted, "only nginx says who asks"
    [pool] = main["networks"]["inside"]["ipam"]["config"]
    network, given = ip_network(pool["subnet"]), ip_network(pool["ip_range"])
    assert given.subnet_of(network) and ip_address(trusted) in network, "an address of this network"
    assert ip_address(trusted) not in given, "no other container is given the address that is trusted"


@pytest.mark.parametrize("file", NGINX_FILES)
def test_the_compose_files_and_nginx_know_each_other(file: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    compose = COMPOSE["compose.yaml" if "compose" in file else "docs/serving/compose.yaml"]
    asked = re.findall(r"(?:proxy_pass http://|^    server )([\w-]+):(\d+)", text, re.M)
    assert asked and {name for name, _port in asked} <= set(compose["services"])
    ports = [port.rpartition(":")[2] for port in compose["services"]["proxy"]["ports"]]
    assert re.findall(r"listen (\d+)", text) == ports


@needs_nginx
def test_requests_to_one_address_reach_the_servers_that_run(tmp_path: Path) -> None:
    port, gone = free_ports(2)
    with loopback_api() as api:
        text = (ROOT / "docs" / "serving" / "nginx.conf").read_text("utf-8")
        text = text.replace("model-0:8000", api.url.split("/")[2]).replace(
            "model-1:8000", f"127.0.0.1:{gone}"
        )
        text = text.replace("listen 8000", f"listen 127.0.0.1:{port}")
        url = f"http://127.0.0.1:{port}/v1"
        with nginx(tmp_path, text):
            until(lambda: _answers(url), 60)
            for _ in range(4):  # one of the two servers never answers
                assert model_names(url) == api.models


@needs_nginx
@pytest.mark.parametrize(
    ("file", "path"), [("docs/nginx.conf", "/studio/"), ("docs/nginx.compose.conf", "/")]
)
def test_a_share_link_reaches_the_studio_and_no_log(file: str, path: str, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "access.log"
    with loopback_api() as api:
        text = re.sub(r"proxy_pass http://[^;]+", f"proxy_pass {api.url.removesuffix('/v1')}", read(file))
        text = re.sub(r"listen \d+ ssl;|ssl_certificate\S* .*", "", text)
        text = text.replace("server {", f"server {{\nlisten 127.0.0.1:{port};", 1)
        with nginx(tmp_path, text, f"{log} combined"), httpx.Client() as client:
            address = f"http://127.0.0.1:{port}{path}"
            until(lambda: listens(port), 60)
            for last in ("share/TOKEN/models", "page/models"):  # the server answers what ends like this
                assert client.get(address + last).json()["data"], last
            until(lambda: log.exists() and "page/models" in log.read_text("utf-8"), 60)
    assert "TOKEN" not in log.read_text("utf-8")


def read(file: str) -> str:
    return (ROOT / file).read_text("utf-8")


def _answers(url: str) -> bool:
    from tianji_core.errors import ServerError

    try:
        return bool(model_names(url))
    except ServerError:
        return False
