"""Ways to spoil a file. Every mutation is a function of the whole content and a seeded generator."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

Mutation = Callable[[bytes, np.random.Generator], bytes]

ABSURD_WORDS = (
    b"-1",
    b"0",
    b"1e999",
    b"nan",
    b"99999999999999999999",
    b"-9e18",
    b"4294967295",
    b"",
    b"(0..999999999)",
    b"1e-320",
)
ABSURD_BYTES = (
    *(b"\0", b"\xff", b"\xff\xff", b"\0\x80", b"\xff\x7f", b"\0" * 8, b"\xff" * 4, b"\xff" * 8),
    *map(
        bytes.fromhex,
        ("ffffff7f", "00000080", "7fffffff", "0000807f", "0000c07f", "7fefffffffffffff", "fffffffffffff07f"),
    ),
)
BLOCKS = (16, 64, 128, 512, 1024)


def truncated(content: bytes, rng: np.random.Generator) -> bytes:
    """Cut at a block boundary, or one byte beside it."""
    block = int(rng.choice(BLOCKS))
    n_blocks = len(content) // block
    return content[: max(0, block * int(rng.integers(n_blocks + 1)) + int(rng.integers(-1, 2)))]


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    """Flip one to a hundred bits, half of them in the header."""
    spoiled = bytearray(content)
    for _ in range(int(2 ** rng.uniform(0, 6.6))):
        end = len(spoiled) if rng.random() < 0.5 else min(len(spoiled), 600)
        spoiled[int(rng.integers(end))] ^= 1 << int(rng.integers(8))
    return bytes(spoiled)


def swapped(content: bytes, rng: np.random.Generator) -> bytes:
    """Turn the bytes of every word around, in the whole file or in its header."""
    word = int(rng.choice([2, 4, 8]))
    end = (len(content) if rng.random() < 0.5 else min(len(content), 544)) // word * word
    turned = np.frombuffer(content[:end], f"V{word}").view(np.uint8).reshape(-1, word)[:, ::-1].tobytes()
    return turned + content[end:]


def absurd_number(content: bytes, rng: np.random.Generator) -> bytes:
    """Write an absurd number over a word of the header."""
    value = ABSURD_BYTES[int(rng.integers(len(ABSURD_BYTES)))]
    start = int(rng.integers(min(len(content), 1500) // 2 + 1)) * 2
    return content[:start] + value + content[start + len(value) :]


def absurd_word(content: bytes, rng: np.random.Generator) -> bytes:
    """Put an absurd number in the place of a number that is written out."""
    numbers = list(re.finditer(rb"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", content[:20_000]))
    if not numbers:
        return absurd_number(content, rng)
    chosen = numbers[int(rng.integers(len(numbers)))]
    return content[: chosen.start()] + ABSURD_WORDS[int(rng.integers(len(ABSURD_WORDS)))] + content[chosen.end() :]


def rearranged(content: bytes, rng: np.random.Generator) -> bytes:
    """Take out, repeat or insert a piece."""
    a, b = sorted(int(n) for n in rng.integers(len(content) + 1, size=2))
    b = min(b, a + 2000)
    way = int(rng.integers(4))
    piece = {0: b"", 1: 2 * content[a:b], 2: rng.bytes(int(rng.integers(1, 64))), 3: bytes(b - a)}[way]
    return content[:a] + piece + content[b:]


def lines_lost(content: bytes, rng: np.random.Generator) -> bytes:
    """Take out one line in ten, or join all."""
    lines = content.split(b"\n")
    return b"\n".join(line for line in lines if rng.random() > 0.1) if rng.random() < 0.8 else b" ".join(lines)


def anything(content: bytes, rng: np.random.Generator) -> bytes:
    """Keep the first bytes, which make a reader believe, and make up the rest."""
    kept = int(rng.choice([8, 32, 64, 132, 512]))
    return content[:kept] + rng.bytes(int(rng.integers(2000)))


ALL: tuple[Mutation, ...] = (truncated, flipped, swapped, absurd_number, absurd_word, rearranged, lines_lost, anything)


def spoil(path: Path, rng: np.random.Generator) -> str:
    """Spoil one of the files of a dataset with one or two mutations; return which."""
    files = sorted(f for f in (path.rglob("*") if path.is_dir() else path.parent.iterdir()) if f.is_file())
    file = files[int(rng.integers(len(files)))]
    chosen = [ALL[int(i)] for i in rng.integers(len(ALL), size=int(rng.integers(1, 3)))]
    content = file.read_bytes()
    for mutate in chosen:
        content = mutate(content, rng) if content else content
    file.write_bytes(content)
    return f"{file.name}: {', '.join(m.__name__ for m in chosen)}"
