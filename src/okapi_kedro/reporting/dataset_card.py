"""The card of a published dataset: what the hub reads of it, and what a person should know before using it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from okapi_kedro import __version__
from okapi_kedro.languages import Language
from okapi_kedro.reporting.pages import BENCHMARK_NAMES
from okapi_kedro.reporting.stage_counts import rejections
from okapi_kedro.teacher.offline.server import MODELS as OFFLINE_TEACHERS
from okapi_kedro.teacher.store import Spending

LONGEST_TEXT = 160
"""Characters of a text from data that are shown."""
_SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M"}


@dataclass(frozen=True)
class Part:
    """One table of the dataset, a configuration of the hub.

    Args:
        name: instructions, preferences or a benchmark.
        splits: its rows; `data/<name>/<split>.parquet` holds them.
        rejected: the rows that were set aside when it was made, with the reason.
    """

    name: str
    splits: Mapping[str, pd.DataFrame]
    rejected: pd.DataFrame

    @property
    def rows(self) -> int:
        """How many rows it has in all."""
        return sum(len(rows) for rows in self.splits.values())


class Markdown(str):
    """Text of our own that may hold markup."""


def render_card(
    language: Language,
    parts: Sequence[Part],
    spending: Sequence[Spending],
    licence: str,
    reasons: int,
    responses_are_ours: bool,
) -> str:
    """The card as Markdown with its YAML front matter; text from data stands in it as code and can never be markup.

    Args:
        language: of the rows.
        parts: the tables, the most important one first.
        spending: what the teacher was asked for them.
        licence: of the rows, as the hub spells it.
        reasons: of those for which rows were set aside, so many are named for each table.
        responses_are_ours: the responses in the preferences were drawn and ranked here, not read from files.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent, encoding="utf-8"),
        # HTML's escapes are of no use in Markdown; `finalize` makes code of all that is not our own.
        autoescape=False,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["dollars"] = _dollars
    values = {
        "front_matter": Markdown(_front_matter(language, parts, licence)),
        "is_english": language.code == "en",
        "responses_are_ours": responses_are_ours,
        "language": Markdown(language.name),
        "version": Markdown(__version__),
        "titles": {name: Markdown(title) for name, title in BENCHMARK_NAMES.items()},
        "parts": [_part_values(part) for part in parts],
        # Names of our own; in a piece of code they need no marks.
        "first_part": Markdown(parts[0].name),
        "first_split": Markdown(next(iter(parts[0].splits))),
        "names": {part.name for part in parts},
        "has_benchmarks": any(part.name in BENCHMARK_NAMES for part in parts),
        "reasons": _reasons(parts, reasons),
        "origin": _origin(parts),
        "spending": spending,
        "stand_in": any(each.model in OFFLINE_TEACHERS for each in spending),
        "licence": licence,
    }
    return environment.get_template("dataset_card.md.jinja").render(**values)


def as_code(text: str) -> Markdown:
    """Text from data as one piece of code, also in a table: nothing in it is markup, a link or a line's end."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    short = line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"
    if not short:
        return Markdown("")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", short)), default=0))
    # Where it begins or ends with the mark itself, a blank tells them apart; Markdown takes one off again.
    padding = " " if short.startswith("`") or short.endswith("`") else ""
    cell = short.replace("|", "\\|")
    return Markdown(f"{fence}{padding}{cell}{padding}{fence}")


def _shown(value: Any) -> str:
    """What the template writes of a value."""
    if isinstance(value, Markdown):
        return value
    return f"{value:,}" if isinstance(value, int) else as_code(str(value))


def _dollars(spending: Spending) -> Markdown:
    """What is known of the price."""
    if spending.unpriced == spending.answers:
        return Markdown("not known")
    unknown = f" + {spending.unpriced:,} answers without a price" if spending.unpriced else ""
    return Markdown(f"{spending.usd + spending.lost_usd:,.2f}{unknown}")


def _front_matter(language: Language, parts: Sequence[Part], licence: str) -> str:
    rows = sum(part.rows for part in parts)
    configurations = [
        {
            "config_name": part.name,
            **({"default": True} if part is parts[0] else {}),
            "data_files": [{"split": split, "path": f"data/{part.name}/{split}.parquet"} for split in part.splits],
        }
        for part in parts
    ]
    matter = {
        "license": licence,
        "language": [language.code],
        "pretty_name": f"Okapi data in {language.name}",
        "task_categories": ["text-generation"],
        "tags": ["okapi", "instruction-tuning", "rlhf"],
        "size_categories": [next((size for most, size in _SIZES.items() if rows < most), "1M<n<10M")],
        "configs": configurations,
    }
    # `no` is a language of its own to people, but a falsehood to YAML; the dumper quotes such words.
    return str(yaml.safe_dump(matter, sort_keys=False, allow_unicode=True, width=1000)).rstrip("\n")


def _part_values(part: Part) -> dict[str, Any]:
    set_aside, held_out = len(part.rejected), "held_out" in next(iter(part.splits.values())).columns
    prompts = sum(rows["id"].nunique() for rows in part.splits.values()) if part.name == "preferences" else part.rows
    return {
        "name": part.name,
        "kept": prompts,
        "set_aside": set_aside,
        "share": Markdown(f"{100 * set_aside / (prompts + set_aside):.1f} %"),
        "splits": [
            (split, len(rows), int(rows["held_out"].sum()) if held_out else Markdown("–"))
            for split, rows in part.splits.items()
        ],
    }


def _reasons(parts: Sequence[Part], most: int) -> list[dict[str, Any]]:
    """The most frequent reasons of each table."""
    # Without the raw text: it was set aside, and is not published.
    table = rejections({part.name: part.rejected[["id", "reason"]] for part in parts})
    named: list[dict[str, Any]] = table.groupby("stage", sort=False).head(most).to_dict("records")
    return named


def _origin(parts: Sequence[Part]) -> dict[str, int]:
    """Where the instructions come from, as far as their ids and the times that the teacher was asked tell."""
    tables = [rows for part in parts if part.name == "instructions" for rows in part.splits.values()]
    return {
        "all": sum(map(len, tables)),
        "alpaca": sum(int(rows["id"].str.startswith("alpaca-").sum()) for rows in tables),
        "generated": sum(int(rows["id"].str.startswith("generated-").sum()) for rows in tables),
        "asked": sum(int((rows["attempts"] > 0).sum()) for rows in tables),
        "not_asked": sum(int((rows["attempts"] == 0).sum()) for rows in tables),
    }
