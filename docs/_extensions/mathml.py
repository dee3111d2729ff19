"""Formulas as MathML, with a font of their own: no script and no network, and they can be read aloud, copied and enlarged."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from docutils import nodes
from fontTools import subset
from math_core import LatexToMathML
from sphinx.util.logging import getLogger

_log = getLogger(__name__)
_convert = LatexToMathML(fancy_error=False).convert_with_local_state

FONT = ("ziamath.fonts", "STIXTwoMath-Regular.ttf")
CHARACTERS = "U+0020-024F,U+0300-03FF,U+1E00-1EFF,U+2000-23FF,U+2500-27FF,U+2900-2AFF,U+1D400-1D7FF"


def _mathml(node: nodes.Node, *, display: bool) -> str:
    tex = node.astext()
    if display and ("&" in tex or r"\\" in tex) and r"\begin" not in tex:
        tex = rf"\begin{{aligned}}{tex}\end{{aligned}}"
    try:
        return str(_convert(tex, displaystyle=display))
    except Exception as error:  # noqa: BLE001 - the parser's own class is not exported
        _log.warning("formula: %s", error, location=node)
        return f"<code>{nodes.unescape(tex)}</code>"


def _visit_inline(writer: Any, node: nodes.Node) -> None:
    writer.body.append(_mathml(node, display=False))
    raise nodes.SkipNode


def _visit_block(writer: Any, node: nodes.Node) -> None:
    writer.body.append(f'<div class="formula">{_mathml(node, display=True)}</div>')
    raise nodes.SkipNode


def _add_font(app: Any, error: Exception | None) -> None:
    """Cut the font down to what formulas need: 1.5 MB become a fifth."""
    target = Path(app.outdir, "_static", "math.woff")
    if error or app.builder.format != "html" or target.exists():
        return
    with as_file(files(FONT[0]).joinpath(FONT[1])) as source:
        subset.main([str(source), f"--unicodes={CHARACTERS}", "--flavor=woff", f"--output-file={target}"])


def setup(app: Any) -> dict[str, Any]:
    """Make this the renderer of formulas."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))
    app.config.html_math_renderer = "mathml"
    app.connect("build-finished", _add_font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
