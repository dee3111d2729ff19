"""The rooms of the package, from the contract that import-linter checks."""

import ast
import re
import tomllib
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

import p31mg

PACKAGE = Path(p31mg.__file__).parent
ROOT = PACKAGE.parents[1]
LONGEST = 64
NOT_A_ROOM = {"_version"}


def does(room: str) -> str:
    """Return what a room says of itself: its docstring up to the first stop or colon."""
    path = PACKAGE / room / "__init__.py" if (PACKAGE / room).is_dir() else PACKAGE / f"{room}.py"
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    said = re.split(r"[.:;](?:\s|$)|, and back", docstring)[0].replace("`", "").replace("\n", " ")
    return said if len(said) < LONGEST else said.rsplit(",", 1)[0]


contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][0]
layers = [[m.strip().removeprefix("p31mg.") for m in layer.split("|")] for layer in contract["layers"]]

WIDTH, ROW, GAP = 9.0, 0.62, 0.12
figure, ax = plt.subplots(figsize=(WIDTH, ROW * sum(len(layer) for layer in layers) * 0.78), layout="constrained")
y = 0.0
for i, layer in enumerate(layers):
    rooms = [room for room in layer if room not in NOT_A_ROOM]
    height = ROW * len(rooms)
    colour = plt.get_cmap("Blues")(0.10 + 0.42 * i / len(layers))
    ax.add_patch(
        FancyBboxPatch(
            (0, y - height), WIDTH, height - GAP, boxstyle="round,pad=0,rounding_size=0.08", fc=colour, ec="none"
        )
    )
    for k, room in enumerate(rooms):
        line = y - GAP - (height - GAP) * (k + 0.5) / len(rooms)
        ax.text(0.2, line, room, va="center", weight="bold", family="monospace", fontsize=13)
        ax.text(1.9, line, does(room), va="center", fontsize=12)
    y -= height
ax.annotate(
    "",
    (WIDTH + 0.35, y + 0.2),
    (WIDTH + 0.35, -0.2),
    arrowprops={"arrowstyle": "-|>", "color": "0.3", "linewidth": 1.5},
)
ax.text(WIDTH + 0.55, y / 2, "may import", rotation=-90, va="center", ha="left", color="0.3")
ax.set_xlim(-0.05, WIDTH + 1)
ax.set_ylim(y, 0.05)
ax.axis("off")
