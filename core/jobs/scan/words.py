"""Commands of a shell, a job file or `subprocess`: which programs they start, and what that means."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from .found import Found, listed, shown

LONGEST = 4096  # characters of a line that are read
DEEPEST = 4  # shells in shells

# program -> rule
PROGRAMS: dict[str, str] = {
    **dict.fromkeys(
        listed(
            "curl wget nc ncat netcat socat aria2c lynx http https httpie telnet openssl azcopy az aws gsutil gcloud "
            "rclone s3cmd mc bq powershell pwsh invoke-webrequest ping "
            "ping6 traceroute axel w3m croc magic-wormhole wormhole "
            "cloudflared ngrok bore frpc chisel tailscale mosquitto_pub kcat grpcurl websocat"
        ),
        "command",
    ),
    **dict.fromkeys(listed("ssh scp sftp rsync autossh sshfs"), "ssh"),
    **dict.fromkeys(listed("ftp lftp tftp ncftpput"), "ftp"),
    **dict.fromkeys(listed("mail mailx sendmail mutt msmtp swaks"), "mail"),
    **dict.fromkeys(listed("nslookup dig host drill getent dnscat"), "dns"),
    **dict.fromkeys(listed("docker podman nerdctl kubectl ctr crictl buildah skopeo"), "docker"),
    **dict.fromkeys(listed("sudo su doas pkexec setcap unshare nsenter mount umount insmod modprobe chroot runuser"),
                    "privilege"),
    **dict.fromkeys(listed("crontab at batch systemd-run setsid daemonize start-stop-daemon disown nohup"),
                    "stays-behind"),
    **dict.fromkeys(listed("gdb gcore strace ltrace ptrace"), "proc"),
    **dict.fromkeys(listed("logger systemd-cat"), "log-forwarding"),
    **dict.fromkeys(listed("psql mysql mongo mongosh mongodump redis-cli sqlcmd bcp"), "database"),
    **dict.fromkeys(listed("twine"), "upload"),
}  # fmt: skip
# program -> {its first word that is no option: rule}
WITH_WORD: dict[str, dict[str, str]] = {
    "git": {"push": "upload", "send-email": "mail", "clone": "download", "pull": "download", "fetch": "download",
            "remote": "upload", "submodule": "download"},
    "dvc": {"push": "upload", "pull": "download", "get": "download"},
    "hg": {"push": "upload"},
    "huggingface-cli": {"upload": "upload", "login": "upload", "download": "download"},
    "hf": {"upload": "upload", "auth": "upload", "download": "download"},
    "kaggle": {"datasets": "upload", "competitions": "download", "kernels": "upload", "models": "upload"},
    "wandb": {"login": "tracker", "sync": "tracker", "artifact": "tracker", "online": "tracker"},
    "neptune": {"sync": "tracker"},
    "comet": {"upload": "tracker"},
    "mlflow": {"server": "listener", "ui": "listener"},
    "pip": {"install": "install", "download": "install"},
    "pip3": {"install": "install", "download": "install"},
    "uv": {"pip": "install", "sync": "install", "add": "install", "publish": "upload"},
    "poetry": {"install": "install", "add": "install", "publish": "upload"},
    "conda": {"install": "install", "create": "install", "env": "install"},
    "mamba": {"install": "install", "create": "install", "env": "install"},
    "apt": {"install": "install", "update": "install", "upgrade": "install"},
    "apt-get": {"install": "install", "update": "install", "upgrade": "install"},
    "apk": {"add": "install"},
    "yum": {"install": "install"},
    "dnf": {"install": "install"},
    "npm": {"install": "install", "ci": "install", "publish": "upload"},
    "ip": {"link": "privilege", "netns": "privilege", "route": "privilege"},
    "ulimit": {"unlimited": "core-dump"},
    "rundll32": {},
}  # fmt: skip
_SHELLS = listed("sh bash dash zsh ksh ash busybox")
_PYTHON = re.compile(r"(?:python|pypy)[0-9.]*\Z")
# Programs that start the one that their words name, with how many words of their own come first.
_BEFORE = {"env": 0, "time": 0, "nice": 0, "ionice": 0, "timeout": 1, "xargs": 0, "exec": 0, "command": 0, "stdbuf": 0,
           "then": 0, "do": 0, "else": 0, "if": 0, "while": 0, "until": 0, "!": 0, "{": 0, "(": 0, "eval": 0,
           "builtin": 0, "taskset": 1, "numactl": 0, "parallel": 0, "watch": 0, "tee": -1, "torchrun": -1}  # fmt: skip
_ENDS = frozenset((";", "&&", "||", "|", "&", "|&", ";;", "(", ")", "`", "$("))
_LOCAL = re.compile(
    r"(?:\w+://)?(?:[^\s/@]*@)?(?:localhost|127(?:\.\d+){3}|\[?::1\]?|0\.0\.0\.0)(?::[^/@\s]*)?(?:/\S*)?"
)
_NAMES_FILE = listed("-o --output -O --output-document")  # of curl and wget: a word that looks like a host and is none
_NET_DEVICE = re.compile(r"/dev/(?:tcp|udp)/(?!(?:localhost|127(?:\.\d+){3})/)")
_HIDDEN = re.compile(
    r"\b(?:base64\s+(?:-d|-D|--decode)|xxd\s+-r|openssl\s+enc\s+-d)\b[^|;&]*\|\s*(?:\w+\s+)?(?:ba|da|z)?sh\b|"
    r"\beval\s+[\"']?\$\(.*?\b(?:base64|xxd)\b|\|\s*(?:ba|da|z)?sh\b(?!\w)"
)
_SETUID = re.compile(r"\bchmod\s+(?:-\w+\s+)*(?:[ugoa]*\+\w*s|[2467][0-7]{3})\b")
_OUTSIDE = re.compile(
    r"(?:~|\$HOME|\$\{HOME\}|/(?!tmp\b|var/tmp\b|dev/(?:null|stdout|stderr|fd|tty|tcp|udp)|job\b|outputs\b|proc/self)).*",
    re.DOTALL,
)
_COPIES = listed("cp mv install")
_HOST = re.compile(
    r"[\w.-]+@[\w.-]+(?::.*)?|(?:[\w-]+\.)+(?!(?:ya?ml|json|txt|py|csv|gz|zip|sh|toml|log|pem|key)\b)[a-z]{2,}|\d+(?:\.\d+){3}"
)
_CORE = re.compile(r"\bulimit\s+(?:-\w*\s+)*-\w*c\w*\s+(?!0\b)\w")
_LINK = re.compile(r"\bln\s+(?:-\w+\s+)*[\"']?(?:/(?!tmp\b|job\b|usr/|opt/)|~|\$HOME)\S*")
_IDENTITY = re.compile(r"169\.254\.169\.254|168\.63\.129\.16|metadata\.google\.internal")
_DOCKER = re.compile(r"docker\.sock|containerd\.sock")
_PROC = re.compile(
    r"/proc/(?:\d+|\$\$|\*|\$\{?\w+\}?)/(?:mem|root|fd|cwd|environ|ns)\b|/proc/self/(?:mem|root)\b|\bkcore\b"
)


def of_text(text: str, line: int = 1, *, depth: int = 0) -> Iterator[Found]:
    """Each line of a script or a command; `line` is the number of the first."""
    for number, whole in _lines(text, line):
        yield from _of_line(whole[:LONGEST], number, depth)


def _lines(text: str, line: int) -> Iterator[tuple[int, str]]:
    """With those that a backslash or an open quote joins, and without comments."""
    held, began = "", line
    for number, part in enumerate(text.split("\n"), line):
        part = part.rstrip("\r")
        if not held:
            began = number
            if part.lstrip().startswith("#"):
                continue
        held += part
        if held.endswith("\\") and len(held) < LONGEST:
            held = f"{held[:-1]} "
            continue
        if (held.count("'") % 2 or held.count('"') % 2) and number - began < 50 and len(held) < LONGEST:
            held += "\n"
            continue
        yield began, held
        held = ""
    if held:
        yield from ((began + number, part) for number, part in enumerate(held.split("\n")))


_PATTERNS = (
    (_NET_DEVICE, "socket"),
    (_HIDDEN, "hidden-code"),
    (_SETUID, "privilege"),
    (_CORE, "core-dump"),
    (_LINK, "link"),
    (_IDENTITY, "metadata"),
    (_DOCKER, "docker"),
    (_PROC, "proc"),
)


def _of_line(text: str, line: int, depth: int) -> Iterator[Found]:
    for pattern, rule in _PATTERNS:
        found = pattern.search(text)
        if found:
            yield Found(rule, line, shown(found[0]))
    written: list[str] = []
    for words in _commands(text, written):
        yield from of_words(words, line, depth=depth)
        if words[:1] == ["tee"]:
            written += words[1:]
    for path in written:
        if _OUTSIDE.match(path):
            yield Found("write-outside", line, shown(path))


def _commands(text: str, written: list[str]) -> Iterator[list[str]]:
    """The commands of one line, each as its words; `written`: the files that output goes to are added."""
    text = re.sub(r"\$\(|`", " ; ", text.replace("\n", " ; ") if text.count("\n") and "'" not in text else text)
    reader = shlex.shlex(text, posix=True, punctuation_chars=";&|()<>")
    reader.commenters = "#"
    reader.whitespace_split = True
    words: list[str] = []
    before = ""
    try:
        for word in reader:
            if before:
                written += [word] if ">" in before and not before.endswith("&") else []
                before = ""
            elif set(word) <= set("<>&|"):
                before = word if "<" in word or ">" in word else ""
                if not before:
                    yield words
                    words = []
            elif word in _ENDS or set(word) <= set(";&|()"):
                yield words
                words = []
            else:
                words.append(word)
    except ValueError:  # a quote that does not end
        words = text.split()
    yield words


def of_words(words: Sequence[str | None], line: int, *, depth: int = 0) -> Iterator[Found]:
    """One command; None is a word that is known at run time only."""
    words = _started(list(words))
    if not words or words[0] is None or depth > DEEPEST:
        return
    program = words[0].rpartition("/")[2].lower().removesuffix(".exe")
    rest = [word for word in words[1:] if word is not None]
    if program in _SHELLS:
        yield from _inner(rest, line, depth)
    elif _PYTHON.match(program):
        yield from _python(rest, line, depth)
    elif program in ("busybox", "nohup", "sudo", "doas", "setsid", "chroot", "unshare"):
        yield Found(PROGRAMS.get(program, "command"), line, shown(" ".join([program, *rest[:3]])))
        yield from of_words(_without_options(words[1:]), line, depth=depth + 1)
    elif program in PROGRAMS:
        if not _stays_here(rest) and not _harmless(program, rest):
            yield Found(PROGRAMS[program], line, _told(program, rest))
    elif program in WITH_WORD:
        yield from _with_word(program, rest, line)
    elif program in _COPIES and len(rest) > 1 and _OUTSIDE.match(rest[-1]):
        yield Found("write-outside", line, shown(f"{program} … {rest[-1]}"))


def _started(words: list[str | None]) -> list[str | None]:
    """Without assignments before it, and without programs that only start another one."""
    while words:
        first = words[0]
        if first is None:
            return words
        if re.match(r"[A-Za-z_]\w*=", first):
            words = words[1:]
        elif first in _BEFORE and _BEFORE[first] >= 0:
            words = _without_options(words[1:])[_BEFORE[first] :]
        else:
            return words
    return words


def _without_options(words: list[str | None]) -> list[str | None]:
    while words and words[0] is not None and (words[0].startswith("-") or re.match(r"[A-Za-z_]\w*=", words[0])):
        words = (
            words[2:] if words[0] in ("-n", "-c", "-I", "-L", "-k", "-s", "-u", "-P") and len(words) > 2 else words[1:]
        )
    return words


def _stays_here(rest: list[str]) -> bool:
    """This machine is named, and no other one."""
    places = [word for before, word in zip(["", *rest], rest, strict=False) if before not in _NAMES_FILE]
    local = [bool(_LOCAL.fullmatch(word)) for word in places if _is_place(word)]
    return bool(local) and all(local)


def _is_place(word: str) -> bool:
    return bool("://" in word or _HOST.fullmatch(word) or _LOCAL.fullmatch(word))


def _harmless(program: str, rest: list[str]) -> bool:
    if program == "openssl":
        return "s_client" not in rest
    if program == "mount":
        return not rest
    if program in ("host", "at", "batch", "mail", "http", "mc", "su"):
        return not rest
    if program == "getent":
        return "hosts" not in rest and "ahosts" not in rest
    return rest in (["--version"], ["-V"], ["--help"], ["version"])


def _told(program: str, rest: Sequence[str]) -> str:
    """The program and where it goes, not what it takes along."""
    where = next((word for word in rest if ("://" in word or _HOST.fullmatch(word)) and not _LOCAL.fullmatch(word)), "")
    return shown(f"{program} {where or (rest[0] if rest and not rest[0].startswith('-') else '')}".strip())


def _with_word(program: str, rest: list[str], line: int) -> Iterator[Found]:
    table = WITH_WORD[program]
    for number, word in enumerate(rest):
        if word in table:
            following = rest[number + 1 :]
            if (program, word) == ("git", "remote") and not {"add", "set-url"} & set(following):
                return
            yield from _packages(program, word, following, line, table[word])
            return
        if not word.startswith("-") and rest[number - 1] not in ("-C", "-c"):
            return


def _packages(program: str, word: str, rest: list[str], line: int, rule: str) -> Iterator[Found]:
    if rule == "install":
        address = next((one for one in rest if re.search(r"(?:https?|git\+\w+|ftp)://", one)), "")
        if address:
            yield Found("package-address", line, shown(f"{program} {word} {address}"))
            return
        local = [one for one in rest if not one.startswith("-")]
        if program in ("pip", "pip3", "uv") and ("--no-index" in rest or local in (["."], ["./"])):
            return
    yield Found(rule, line, shown(f"{program} {word}"))


def _inner(rest: list[str], line: int, depth: int) -> Iterator[Found]:
    for number, word in enumerate(rest):
        if re.fullmatch(r"-\w*c\w*", word) and number + 1 < len(rest):
            yield from of_text(rest[number + 1], line, depth=depth + 1)
            return
        if not word.startswith("-"):
            yield from of_words(rest[number:], line, depth=depth + 1) if "/" not in word and "." not in word else ()
            return


def _python(rest: list[str], line: int, depth: int) -> Iterator[Found]:
    """`-c CODE`, `-m MODULE …`; a script is looked at where it lies."""
    for number, word in enumerate(rest):
        following = rest[number + 1 :]
        if word == "-c" and following:
            from . import python

            yield from (found._replace(line=line) for found in python.of_text(following[0], depth=depth + 1))
            return
        if word == "-m" and following:
            if following[0] == "http.server":
                yield Found("listener", line, "python -m http.server")
            else:
                yield from of_words(following, line, depth=depth + 1)
            return
        if not word.startswith("-"):
            return
