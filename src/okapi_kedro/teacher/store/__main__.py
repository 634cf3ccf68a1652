"""The commands on a completion store: `python -m okapi_kedro.teacher.store --help`."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.store import CompletionStore, Spending, compact, export

_ROW = "{:24} {:8} {:24} {:>10} {:>14} {:>14} {:>12} {:>9} {:>7} {:>10}"
_COLUMNS = ("stage", "language", "model", "answers", "tokens read", "written", "USD", "unpriced", "lost", "lost USD")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        print(options.command(options))
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m okapi_kedro.teacher.store",
        description="Looks after a folder of stored teacher answers.",
    )
    commands = parser.add_subparsers(required=True, metavar="show | compact | export")
    for name, command, help_text in [
        ("show", _show, "what has been asked and spent, per stage, language and model"),
        ("compact", _compact, "take torn lines and second answers to a request out; not while a run uses the folder"),
        ("export", _export, "write all answers into one Parquet file"),
    ]:
        subparser = commands.add_parser(name, help=help_text, description=f"{name}: {help_text}.")
        subparser.add_argument("folder", metavar="FOLDER", type=Path, help="the folder of the *.jsonl files")
        subparser.set_defaults(command=command)
        if command is _export:
            subparser.add_argument("path", metavar="OUT.parquet", type=Path, help="the file; replaced if it exists")
    return parser


def _show(options: argparse.Namespace) -> str:
    if not options.folder.is_dir():
        raise UserError(f"{options.folder}: no such folder")
    store = CompletionStore(options.folder)
    rows = [_ROW.format(*_COLUMNS), *_spending_rows(store.spending())]
    return "\n".join([*rows, f"{len(store):,} requests answered, {store.spent_usd:,.4f} USD spent"])


def _spending_rows(spending: Iterable[Spending]) -> list[str]:
    return [
        _ROW.format(
            row.stage,
            row.language,
            row.model,
            f"{row.answers:,}",
            f"{row.prompt_tokens:,}",
            f"{row.completion_tokens:,}",
            f"{row.usd:,.4f}",
            f"{row.unpriced:,}",
            f"{row.lost:,}",
            f"{row.lost_usd:,.4f}",
        )
        for row in spending
    ]


def _compact(options: argparse.Namespace) -> str:
    compacted = compact(options.folder)
    return f"{compacted.duplicates:,} second answers and {compacted.bytes:,} bytes taken out of {options.folder}"


def _export(options: argparse.Namespace) -> str:
    return f"{export(options.folder, options.path):,} answers written to {options.path}"


if __name__ == "__main__":
    sys.exit(main())
