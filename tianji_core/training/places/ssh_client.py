"""The OpenSSH client: commands and files on one machine over a shared connection. Nothing is ever asked on
the terminal, and a host whose key is not known is refused."""

import contextlib
import hashlib
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from tianji_core.errors import DiskFullError, PlaceError, PlaceUnreachableError
from tianji_core.files import sha256, write_text
from tianji_core.gate import clean_sentence
from tianji_core.i18n import _
from tianji_core.jobs.environment import child_environment
from tianji_core.training.launch import CLIENT_VARIABLES
from tianji_core.training.places.profile import Place
from tianji_core.training.places.programs import answer_of
from tianji_core.workspace import Workspace

KNOWN_HOSTS = "known_hosts"
CONNECT, RENTED, SCAN, QUESTION, TRANSFER = 15, 90, 60.0, 180.0, 6 * 3600.0
"""Seconds for a connection, for one that a program of SkyPilot makes, for host keys, for an answer, and for
files."""
_LOST = 255
"""The exit code of ssh itself; any other is that of the command there."""
HASHED_IN_A_SECOND = 20_000_000
"""Bytes that even a slow network disk reads in a second."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class SshClient:
    """Reaches the machine of a place. ``described`` says that its host is an alias whose keys and whose
    trust a program has written into the SSH configuration of this person, as SkyPilot does: a machine that
    was rented a minute ago has no key that a person could compare."""

    def __init__(self, workspace: Workspace, place: Place, described: bool = False) -> None:
        self._known, self._described = workspace.home / KNOWN_HOSTS, described
        trust = f"{self._known}\n{place.key}"  # a connection is shared only by those who trust the same keys
        self._socket = hashlib.sha256(trust.encode()).hexdigest()[:8]
        self._place = place

    def run(self, command: str, given: str = "", patience: float = QUESTION) -> tuple[int, str, str]:
        """Runs a shell command there; returns its exit code, output and errors.

        Raises:
            PlaceUnreachableError: the connection failed. PlaceError: it is refused for good.
        """
        words = ["ssh", *self._options("-p"), self._target, "--", command]
        code, out, err = self._called(words, given, patience)
        if code == _LOST:
            raise self._refusal(err)
        return code, out, err

    def send(self, files: Iterable[tuple[Path, str]]) -> None:
        """Sends files to paths there, relative to the home folder; a part that has arrived is not sent again.
        A file of which something was there before is compared by its hash: a disk that was full in between
        leaves holes.

        Raises:
            PlaceUnreachableError: the connection failed. PlaceError: a file cannot be written there.
        """
        pairs = list(files)
        names = shlex.join([target for _source, target in pairs])
        code, out, err = self.run(f'for f in {names}; do : >> "$f" && wc -c < "$f" || exit 1; done')
        sizes = [int(line) for line in out.split() if line.isdecimal()]
        if code != 0 or len(sizes) != len(pairs):
            raise self._unwritable(err)
        lines = []
        for (source, target), there in zip(pairs, sizes, strict=True):
            if there != source.stat().st_size:  # sftp resumes only what is there and shorter
                resumed = "-a " if 0 < there < source.stat().st_size else ""
                lines.append(_put(source, target, resumed))
        if lines:
            self._sftp(lines)
        doubtful = [pair for pair, there in zip(pairs, sizes, strict=True) if there]
        if lines := [_put(source, target) for source, target in self._differing(doubtful)]:
            self._sftp(lines)

    def _differing(self, pairs: Sequence[tuple[Path, str]]) -> list[tuple[Path, str]]:
        """Those of the files whose hash there is another one, all where hashes cannot be asked for."""
        if not pairs:
            return []
        size = sum(source.stat().st_size for source, _target in pairs)
        names = shlex.join([target for _source, target in pairs])
        _code, out, _err = self.run(
            f'for f in {names}; do sha256sum < "$f" || echo -; done', "", QUESTION + size / HASHED_IN_A_SECOND
        )
        hashes = [line.split(" ")[0] for line in out.splitlines()]
        if len(hashes) != len(pairs):
            return list(pairs)
        return [pair for pair, there in zip(pairs, hashes, strict=True) if sha256(pair[0]) != there]

    def fetch(self, folder: str, names: Sequence[str], target: Path, rsync: bool) -> None:
        """Copies files of a folder there into ``target``, with their folders; what is there already is only
        completed. Files that vanish meanwhile are left out.

        Raises:
            PlaceUnreachableError: the connection failed. PlaceError: a name has a control character.
            DiskFullError: there is no room in ``target``.
        """
        lines = [f"-get -a {_quoted(f'{folder}/{name}')} {_quoted(str(target / name))}" for name in names]
        for name in names:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
        if rsync and shutil.which("rsync"):
            shell = shlex.join(["ssh", *self._options("-p")])
            words = ["rsync", "-ts", "--partial-dir=.partial", "--files-from=-", "-e", shell]
            code, _out, err = self._called(
                [*words, f"{self._bracketed}:{folder}/", f"{target}/"], "\n".join(names) + "\n", TRANSFER
            )
            self._check_room(err, target)
            if code not in (0, 23, 24):  # some files vanished
                raise self._refusal(err)
            return
        self._check_room(self._sftp(lines), target)

    def _check_room(self, said: str, target: Path) -> None:
        """Raises:
        DiskFullError: a client said while it fetched that it has no room; sftp ends with 0 all the same.
        """
        if "No space left on device" in said or "Disk quota exceeded" in said:
            raise DiskFullError(_("这台机器的磁盘满了，写不进 {folder}；请腾出空间", folder=target))

    def _sftp(self, lines: list[str]) -> str:
        """Runs commands of sftp; returns what it said of those that begin with a hyphen and failed."""
        words = ["sftp", "-q", *self._options("-P"), "-b", "-", self._bracketed]
        code, _out, err = self._called(words, "\n".join(lines) + "\n", TRANSFER)
        if code == _LOST:
            raise self._refusal(err)
        if code != 0:
            raise self._unwritable(err)
        return err

    def _unwritable(self, said: str) -> PlaceError:
        detail, name = clean_sentence(said), self._place.name
        if "Failure" in said or "No space" in said or "quota" in said:
            return PlaceError(
                _("{place} 那边的磁盘满了，请腾出空间再来（{detail}）", place=name, detail=detail)
            )
        return PlaceError(_("{place}：文件写不进去（{detail}）", place=name, detail=detail))

    def close(self) -> None:
        """Ends the shared connection."""
        words = ["ssh", *self._options("-p"), "-O", "exit", self._target]
        with contextlib.suppress(PlaceUnreachableError):
            self._called(words, "", CONNECT)

    @property
    def _target(self) -> str:
        return f"{self._place.user}@{self._place.host}" if self._place.user else self._place.host

    @property
    def _bracketed(self) -> str:
        """The target for sftp and rsync, to which a colon begins a path: an IPv6 address is in brackets."""
        host = f"[{self._place.host}]" if ":" in self._place.host else self._place.host
        return f"{self._place.user}@{host}" if self._place.user else host

    def _options(self, port: str) -> list[str]:
        """The options of ssh and sftp, whose option for the port is ``port``."""
        place = self._place
        known = {
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": f'"{self._known}" ~/.ssh/known_hosts',
        }
        values = {
            **({} if self._described else known),
            "BatchMode": "yes",
            "ConnectTimeout": RENTED if self._described else CONNECT,
            "ServerAliveInterval": 10,
            "ServerAliveCountMax": 3,
            "ControlMaster": "auto",
            "ControlPath": f"{_socket_folder()}/{self._socket}-%C",
            "ControlPersist": 60,
        }
        options = [text for name, value in values.items() for text in ("-o", f"{name}={value}")]
        if place.port != 22:  # else an alias of the SSH configuration says it
            options += [port, str(place.port)]
        if place.key:
            options += ["-i", str(Path.home() / Path(place.key).expanduser()), "-o", "IdentitiesOnly=yes"]
        return options

    def _called(self, words: list[str], given: str, patience: float) -> tuple[int, str, str]:
        return _called(self._place, words, given, patience)

    def _refusal(self, said: str) -> PlaceError | PlaceUnreachableError:
        """The error for what the client said."""
        facts = {"place": self._place.name, "host": self._place.host}
        if "IDENTIFICATION HAS CHANGED" in said:
            return PlaceError(
                _(
                    "{place}：{host} 的主机密钥变了，没有连接；确认那边换过系统或机器以后再接受：python -m tianji_core places accept {place}",
                    **facts,
                )
            )
        if "Host key verification failed" in said or "host key is known" in said:
            return PlaceError(
                _(
                    "{place}：还没有接受过 {host} 的主机密钥；请核对指纹后接受：python -m tianji_core places accept {place}",
                    **facts,
                )
            )
        if "Permission denied" in said or "Too many authentication failures" in said:
            return PlaceError(_("{place}：{host} 不让登录，请检查用户名和私钥（工坊不用密码登录）", **facts))
        if "Could not resolve" in said:
            return PlaceUnreachableError(_("{place}：找不到主机 {host}，请检查名字和网络", **facts))
        return PlaceUnreachableError(
            _("{place}：连不上 {host}（{detail}）", **facts, detail=clean_sentence(said) or "—")
        )


def _called(place: Place, words: list[str], given: str, patience: float) -> tuple[int, str, str]:
    """Runs a program of the OpenSSH client; returns its exit code, output and errors.

    Raises:
        PlaceError: it is not installed, or the answer is too long. PlaceUnreachableError: none came in time.
    """
    environment = {**child_environment(network=True, keys=CLIENT_VARIABLES), "LC_ALL": "C.UTF-8"}
    try:
        return answer_of(words, given.encode(), patience, environment)
    except FileNotFoundError as error:
        raise PlaceError(_("这台机器没有 {program}，请先安装 OpenSSH 客户端", program=words[0])) from error
    except subprocess.TimeoutExpired as error:
        raise PlaceUnreachableError(
            _("{place}：{n} 秒没有回答", place=place.name, n=round(patience))
        ) from error
    except OverflowError as error:
        raise PlaceError(
            _("{place}：那边的回答太长，没有读完，请检查那边的登录脚本", place=place.name)
        ) from error


def _socket_folder() -> Path:
    """A private folder for the sockets of shared connections: their paths are limited to about 100 bytes."""
    folder = Path("/tmp") / f"tianji-ssh-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PlaceError(_("{folder} 是别人的，请删掉它", folder=folder))
    return folder


def _put(source: Path, target: str, resumed: str = "") -> str:
    """The line of sftp that sends a file; ``resumed`` '-a ' completes what is there."""
    return f"put {resumed}{_quoted(str(source))} {_quoted(target)}"


def one_line(path: str) -> bool:
    """Whether a path has no line break and no other control character."""
    return _CONTROLS.search(path) is None


def _quoted(path: str) -> str:
    """A path for a line of sftp, of which each is a command. Between quotes sftp takes the signs of its
    patterns literally.

    Raises:
        PlaceError: it has a control character.
    """
    if not one_line(path):
        raise PlaceError(_("路径 {path} 里有控制字符，不能用", path=clean_sentence(ascii(path))))
    return '"' + re.sub(r'(["\\])', r"\\\1", path) + '"'


def offered_keys(place: Place) -> list[tuple[str, str]]:
    """Returns (line, fingerprint) of the host keys that the machine of a place shows now.

    Raises:
        PlaceUnreachableError: it does not answer.
    """
    words = ["ssh-keyscan", "-T", str(CONNECT), "-p", str(place.port), place.host]
    _code, out, _err = _called(place, words, "", SCAN)
    lines = [line for line in out.splitlines() if line and not line.startswith("#")]
    if not lines:
        raise PlaceUnreachableError(
            _("{place}：{host} 没有给出主机密钥，请检查主机名、端口和网络", place=place.name, host=place.host)
        )
    return [(line, _fingerprint(place, line)) for line in lines]


def _fingerprint(place: Place, line: str) -> str:
    _code, out, _err = _called(place, ["ssh-keygen", "-l", "-f", "-"], line + "\n", SCAN)
    parts = out.split()
    return f"{parts[1]} {parts[-1]}" if len(parts) > 2 else ""


def accept_keys(workspace: Workspace, place: Place, fingerprints: Sequence[str]) -> list[str]:
    """Remembers those host keys of a place in this workspace whose ``fingerprints`` a person compared.
    Earlier ones of this host go. Returns the fingerprints that are known now.

    Raises:
        PlaceError: no key that the machine shows now has one of them.
    """
    compared = {words[0] for given in fingerprints if (words := given.split())}
    offered = offered_keys(place)
    accepted = [(line, known) for line, known in offered if known and known.split()[0] in compared]
    if not accepted:
        shown = _("、").join(fingerprints) or "—"
        raise PlaceError(
            _("{place} 现在给出的主机密钥里没有 {fingerprint}", place=place.name, fingerprint=shown)
        )
    path = workspace.home / KNOWN_HOSTS
    kept = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    own = {line.split(" ")[0] for line, _known in offered}
    lines = [line for line in kept if line.split(" ")[0] not in own]
    lines += [line for line, _known in accepted]
    write_text(path, "\n".join(lines) + "\n")
    return [known for _line, known in accepted]
