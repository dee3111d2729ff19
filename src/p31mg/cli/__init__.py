"""The command line: parse, call, print. Data on stdout, talk and progress on stderr.

Exit 0: every spectrum is valid. 1: some failed or are flagged; their rows are written. 2: wrong usage or unreadable input.
3: a fault of p31mg itself. P31MG_DEBUG=1 tells where in the code an error came from.
"""

from p31mg.cli.main import main

__all__ = ["main"]
