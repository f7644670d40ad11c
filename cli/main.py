"""`rota`: finds the command and turns its failures into sentences and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from cli.errors import FAILED, INTERRUPTED, CliError
from cli.parser import build_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command: 0 when it did what was asked, 1 when not, 2 when misused, 130 when interrupted."""
    options = build_parser().parse_args(argv)
    try:
        # Only the chosen command is imported: `rota --help` need not wait for boto3.
        return int(import_module(options.module).main(options))
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # `rota jobs | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except CliError as error:
        print(f"rota: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
