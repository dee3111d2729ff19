"""What pages say of files beside them: links that lead into the repository on GitHub lead to pages of the site here."""

from __future__ import annotations

import inspect
import re
from pathlib import Path, PurePosixPath
from typing import Any

from sphinx.pycode import ModuleAnalyzer

__all__ = ["setup", "site_link"]

_PAGES = {"CONTRIBUTING.md": "developers/index.md", "CHANGELOG.md": "changelog.md", "README.md": "index.md"}
_OVERLOADED = ("p31mg.magnesium.free", "p31mg.magnesium.energetics")
_PAGE = re.compile(r"``docs/([\w/-]+)\.md``")
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\n]+)\]\((?P<target>(?!https?:|#)[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")


def site_link(text: str, target: str, anchor: str, page: PurePosixPath, repository: Path) -> str:
    """Return a link of a page in ``docs``, or of a file that it includes, as the site has it."""
    path = (repository / "docs" / page.parent / target).resolve().relative_to(repository)
    up = "../" * (len(page.parts) - 1)
    if path.name in _PAGES and len(path.parts) == 1:
        return f"[{text}]({up}{_PAGES[path.name]}{anchor})"
    if path.parts[0] == "examples" and path.name.startswith("plot_"):
        return f"[{text}]({up}gallery/{path.stem}.rst)"
    if (repository / path).is_dir():  # a site has no folders of sources
        return text if "`" in text else f"`{text}`"
    return f"[{text}]({target}{anchor})"


def _on_read(app: Any, name: str, source: list[str]) -> None:
    if Path(app.env.doc2path(name)).suffix != ".md":
        return
    page, repository = PurePosixPath(f"{name}.md"), Path(app.srcdir).resolve().parent
    source[0] = _LINK.sub(lambda m: site_link(m["text"], m["target"], m["anchor"] or "", page, repository), source[0])


def _on_docstring(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Make a link of a page that a docstring names."""
    del app, what, name, obj, options
    lines[:] = [_PAGE.sub(r":doc:`/\1`", line) for line in lines]


def _on_signature(app: Any, what: str, name: str, obj: Any, options: Any, signature: str, result: str) -> Any:
    """Show results by their fields, and not by the arguments that would make them: nobody makes them by hand."""
    del app, name, options
    fields_only = what == "class" and "\nAttributes\n" in (inspect.getdoc(obj) or "")
    if fields_only or not signature:
        return ("", None) if fields_only else None
    return tuple(_plain(part) if part else part for part in (signature, result))


def _plain(annotations: str) -> str:
    for pattern, plain in (
        (r"TypeAliasForwardRef\('([\w.]+)'\)", r"\1"),
        (r"~(?:\w+\.)*(\w+)", r"\1"),
        (r"<factory>", "..."),
    ):
        annotations = re.sub(pattern, plain, annotations)
    return annotations


def _on_command_help(app: Any, ctx: Any, lines: list[str]) -> None:
    """Set the lines of examples in the help of a command as code."""
    del app, ctx
    text = "\n".join(lines)
    lines[:] = re.sub(r"(?:^\|.*\n?)+", _as_code, text, flags=re.M).split("\n")


def _as_code(block: re.Match[str]) -> str:
    code = "\n".join(f"   {line.removeprefix('|').removeprefix(' ')}" for line in block[0].splitlines())
    return f".. code-block:: text\n\n{code}\n"


def _one_signature(app: Any) -> None:
    """Show one signature of a function with overloads, that of its body: a union says the same in less room."""
    del app
    for module in _OVERLOADED:
        analyzer = ModuleAnalyzer.for_module(module)
        analyzer.analyze()
        analyzer.overloads.clear()


def setup(app: Any) -> dict[str, Any]:
    """Mend links as pages are read."""
    app.connect("builder-inited", _one_signature)
    app.connect("source-read", _on_read)
    app.connect("autodoc-process-docstring", _on_docstring)
    app.connect("autodoc-process-signature", _on_signature)
    app.connect("sphinx-click-process-description", _on_command_help)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
