"""What we use of Textual that it promises nobody: each name is here with its owner, and a version without it fails here
before a screen does.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import pytest
from textual.app import App
from textual.dom import DOMNode
from textual.driver import Driver
from textual.drivers.web_driver import WebDriver
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets._toast import ToastRack

import tui
from tests.hygiene.source import nodes
from tui.incoming import Parser

PRIVATE: dict[str, type] = {
    "_app": Driver,
    "_awaiting": Parser,
    "_bindings": DOMNode,
    "_check_action_state": App,
    "_check_bindings": App,
    "_css_type_names": Widget,
    "_driver": App,
    "_exception": App,
    "_exception_event": App,
    "_gen": Parser,
    "_handle_exception": App,
    "_input_reader": WebDriver,
    "_keymap": App,
    "_modal_binding_chain": Screen,
    "_notifications": App,
    "_on_meta": WebDriver,
    "_parse_extended_key": Parser,
    "_return_code": App,
    "_sequence_to_key_events": Parser,
    "_timeout_time": Parser,
    "_toast_id": ToastRack,
    "_tokens": Parser,
    "_unnotify": App,
}
OTHERS = {"_exit", "_replace", "_build_environment"}  # of os, of named tuples, of textual-serve
MODULES = {"textual._time", "textual._xterm_parser", "textual.drivers._byte_stream", "textual.widgets._toast"}
NAMES = {"_ExitInput", "_character_to_key"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_each_private_name_that_we_use_is_listed() -> None:
    attributes = [node for _, node in nodes("tui") if isinstance(node, ast.Attribute) and is_private(node.attr)]
    made = {node.attr for node in attributes if isinstance(node.ctx, ast.Store)}
    made |= {node.name for _, node in nodes("tui") if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    used = {node.attr for node in attributes}
    assert used - made <= set(PRIVATE) | OTHERS
    assert set(PRIVATE) <= used | made and used >= OTHERS


def test_each_private_import_is_listed() -> None:
    modules, names = set[str](), set[str]()
    for _, node in nodes("tui"):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textual"):
            modules |= {str(node.module)} if "._" in str(node.module) else set()
            names |= {alias.name for alias in node.names if is_private(alias.name)}
    assert modules == MODULES and names == NAMES


@pytest.mark.parametrize("name", PRIVATE)
def test_textual_has_it(name: str) -> None:
    owners = [owner for owner in PRIVATE[name].__mro__ if owner.__module__.startswith("textual")]
    text = "".join(map(inspect.getsource, owners))
    assert re.search(rf"def {name}\b|self\.{name}\b|^    {name}\b", text, re.MULTILINE)


def below(base: type[Any]) -> Iterator[type[Any]]:
    child: type[Any]
    for child in base.__subclasses__():
        yield from (child, *below(child))


def test_no_private_method_of_ours_hides_one_of_textual() -> None:
    """Two that have the same name by chance: Textual would call ours."""
    for module in pkgutil.walk_packages(tui.__path__, "tui."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    hidden = {
        f"{ours.__name__}.{name}"
        for ours in below(MessagePump)
        if ours.__module__.startswith("tui.")
        for name, value in vars(ours).items()
        if is_private(name) and isinstance(value, FunctionType | property | staticmethod | classmethod)
        if any(name in vars(base) for base in ours.__mro__[1:] if base.__module__.startswith("textual."))
    }
    assert hidden == {"CrashReport._handle_exception"}
