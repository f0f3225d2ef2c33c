"""Rules of the project that no linter knows."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from urllib.parse import urlsplit

from core import errors
from tests.hygiene.source import ROOT, called, keyword, modules, nodes, tracked, tree

THREAD_MAKERS = re.compile(
    r"(?:threading\.)?(Thread|Timer)|(?:concurrent\.futures\.)?(futures\.)?(ThreadPoolExecutor|ProcessPoolExecutor)"
    r"|(asyncio\.)?to_thread|(.*\.)?run_in_executor|_thread\.start_new_thread"
)


def test_threads_are_made_in_one_place() -> None:
    """core/threads.py; the agent is another program and has its own."""
    wrong = []
    for place, node in nodes("core", "tui"):
        if place.startswith(("core/threads.py:", "core/agent/")):
            continue
        thread = keyword(node, "thread")
        if THREAD_MAKERS.fullmatch(called(node)) or (isinstance(thread, ast.Constant) and thread.value is True):
            wrong.append(f"{place} {called(node)}")
    assert wrong == []


# programs of their own: the demo's job (its output is a run's log), the server of a model, the installer of Azurite,
# the installer of conda packages (its output is a build's log)
PROGRAMS = ("core/demo/job/", "core/deploy/server.py:", "core/demo/install.py:", "core/agent/conda_install.py:")


def test_core_prints_nothing() -> None:
    wrong = [
        place
        for place, node in nodes("core")
        if called(node) in ("print", "sys.stdout.write", "sys.stderr.write") and not place.startswith(PROGRAMS)
    ]
    assert wrong == []


def test_host_keys_are_never_accepted_by_a_library() -> None:
    used = [
        place
        for place, node in nodes("core", "tui")
        if (isinstance(node, ast.Name) and node.id in ("AutoAddPolicy", "WarningPolicy"))
        or (isinstance(node, ast.Attribute) and node.attr in ("AutoAddPolicy", "WarningPolicy"))
        or (isinstance(node, ast.Constant) and "StrictHostKeyChecking=no" in str(node.value))
    ]
    assert used == []


def test_no_shell_is_put_between() -> None:
    wrong = []
    for place, node in nodes("core", "tui"):
        shell = keyword(node, "shell")
        if shell is not None and not (isinstance(shell, ast.Constant) and shell.value is False):
            wrong.append(place)
        if called(node) in ("os.system", "os.popen", "asyncio.create_subprocess_shell"):
            wrong.append(place)
    assert wrong == []


# after a failed verification the certificate is looked at once more, to say who signed it; nothing is sent
UNVERIFIED = {"core/agent/path_tls.py"}


def test_certificates_are_always_verified() -> None:
    wrong = []
    for place, node in nodes("core"):
        verify = keyword(node, "verify") or keyword(node, "connection_verify")
        if isinstance(verify, ast.Constant) and verify.value is False:
            wrong.append(place)
        if isinstance(node, ast.Attribute) and node.attr in ("CERT_NONE", "_create_unverified_context"):
            wrong.append(place)
    assert {place.partition(":")[0] for place in wrong} == UNVERIFIED and len(wrong) == len(UNVERIFIED)


# in parts, so that this file does not name what it looks for
REGISTRIES = ("pypi" + ".org", "python" + "hosted", "registry.npm" + "js", "npm" + "js.org", "docker" + ".io/library")
PLACES = ("/work/" + "shared", "/work/" + "lab", "/work/" + "main")


def configured() -> list[str]:
    """Hosts of the package registries that this machine was told to use."""
    names = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "npm_config_registry")
    urls = [os.environ.get(name, "") for name in names]
    for words in (["pip", "config", "get", "global.index-url"], ["npm", "config", "get", "registry"]):
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False, cwd="/")
        except (OSError, subprocess.TimeoutExpired):
            continue
        urls.append(done.stdout.strip() if done.returncode == 0 else "")
    hosts = {urlsplit(url).hostname for text in urls for url in text.split()}
    return sorted(host for host in hosts if host and host not in ("localhost", "127.0.0.1"))


def test_no_tracked_file_names_a_registry_or_a_place_of_ours() -> None:
    forbidden = [*REGISTRIES, *PLACES, *configured()]
    wrong = []
    for path in tracked():
        text = path.read_bytes().decode(errors="replace")
        wrong += [f"{path.relative_to(ROOT)}: {word}" for word in forbidden if word in text]
    assert wrong == []


def drawn() -> dict[str, tuple[str, int]]:
    """Class -> (class above it, exit code), as the docstring of core/errors.py draws them."""
    found: dict[str, tuple[str, int]] = {}
    above = {0: "TrainshedError"}
    for line in (errors.__doc__ or "").splitlines():
        item = re.match(r"^([│ ]*)[├└]── (\w+)\s+(\d+)?", line)
        if item is None:
            continue
        depth = len(item[1]) // 4 + 1
        above[depth] = item[2]
        found[item[2]] = (above[depth - 1], int(item[3]))
    return found


def real(root: type[errors.TrainshedError]) -> dict[str, tuple[str, int]]:
    found = {}
    for child in root.__subclasses__():
        found[child.__name__] = (root.__name__, child.exit_code)
        found.update(real(child))
    return found


def test_the_error_tree_is_drawn_as_it_is() -> None:
    ours = {name: value for name, value in real(errors.TrainshedError).items() if hasattr(errors, name)}
    assert drawn() == ours
    assert len(ours) >= 20


def test_errors_are_in_one_module() -> None:
    """A class of the tree that is made elsewhere would have no line in the drawing."""
    names = set(real(errors.TrainshedError)) | {"TrainshedError"}
    elsewhere = [
        f"{place} {node.name}"
        for place, node in nodes("core", "tui")
        if isinstance(node, ast.ClassDef)
        and not place.startswith("core/errors.py:")
        and any(ast.unparse(base).rpartition(".")[2] in names for base in node.bases)
    ]
    assert elsewhere == []


def test_codes_tell_errors_apart() -> None:
    every = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.TrainshedError)
    ]
    assert len({kind.code for kind in every}) == len(every)


def test_every_module_says_what_it_is_for() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for path in modules("core", "tui")
        if path.read_text(encoding="utf-8").strip() and ast.get_docstring(tree(path)) is None
    ]
    assert wrong == []


def test_nearly_every_public_function_of_core_says_what_it_does() -> None:
    """Tolerant: operations of `Services` are documented where they are declared, properties by their name."""
    functions = [
        (place, node)
        for place, node in nodes("core")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    ]
    silent = [place for place, node in functions if ast.get_docstring(node) is None and len(node.body) > 3]
    assert len(silent) <= len(functions) // 5, silent
