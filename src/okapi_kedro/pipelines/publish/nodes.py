"""A language's tables in Okapi's published form, and as a dataset with a card."""

from collections.abc import Callable
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, PositiveInt

from okapi_kedro.errors import UserError
from okapi_kedro.languages import LANGUAGES
from okapi_kedro.reporting.dataset_card import Part, render_card
from okapi_kedro.reporting.spending_of import spending_of
from okapi_kedro.teacher.store import Spending
from okapi_kedro.text.instruction_files import REJECTED_COLUMNS
from okapi_kedro.text.okapi_files import BENCHMARK_SPLITS, BENCHMARKS, benchmark_file, instruction_file, preference_file
from okapi_kedro.text.okapi_instructions import instruction_rows
from okapi_kedro.text.okapi_preferences import preference_rows
from okapi_kedro.training.prompt import PromptTemplate

Tables = dict[str, Callable[[], pd.DataFrame]]
Rows = list[dict[str, Any]]
REJECTED = {
    "instructions": "rejected_translations",
    "preferences": "rejected_rankings",
    **{benchmark: f"rejected_{benchmark}" for benchmark in BENCHMARKS},
}


class PublishParameters(BaseModel):
    """What the card says that no table does.

    Args:
        licence: of the rows, as the hub spells it.
        reasons: of those for which rows were set aside, so many are named for each table.
    """

    model_config = ConfigDict(extra="forbid")

    licence: str
    reasons: PositiveInt


def write_published_files(tables: Tables, template: PromptTemplate, language: str) -> dict[str, Rows]:
    """The tables that exist as files in Okapi's published form; keys of our own stand behind the published ones."""
    files: dict[str, Rows] = {}
    if "translated_instructions" in tables:
        by_split = instruction_rows(tables["translated_instructions"]())
        files |= {instruction_file(split, language): rows for split, rows in by_split.items()}
    if "preferences" in tables:
        files[preference_file(language)] = preference_rows(tables["preferences"](), template)
    for benchmark in BENCHMARKS:
        if benchmark in tables:
            files |= _benchmark_files(benchmark, tables[benchmark](), language)
    written = {name: rows for name, rows in files.items() if rows}
    if not written:
        raise _nothing_to_publish(language)
    return written


def _benchmark_files(benchmark: str, table: pd.DataFrame, language: str) -> dict[str, Rows]:
    # A list column comes back from Parquet as arrays, which are no JSON.
    lists = {"endings": table["endings"].map(list)} if "endings" in table.columns else {}
    rows = table.assign(**lists)
    return {
        benchmark_file(benchmark, language, split): rows[rows["split"] == split].to_dict("records")
        for split in BENCHMARK_SPLITS
    }


def write_dataset(
    tables: Tables, spending: list[Spending], parameters: PublishParameters, language: str
) -> tuple[dict[str, pd.DataFrame], str]:
    """The tables that exist, one Parquet file for each split, and the card that makes them a dataset."""
    splits = _splits(tables)
    if not splits:
        raise _nothing_to_publish(language)
    parts = [_part(name, by_split, tables) for name, by_split in splits.items()]
    ours = "ranked_responses" in tables
    asked = spending_of(language, spending)
    card = render_card(LANGUAGES[language], parts, asked, parameters.licence, parameters.reasons, ours)
    return {f"{name}/{split}": rows for name, by_split in splits.items() for split, rows in by_split.items()}, card


def _splits(tables: Tables) -> dict[str, dict[str, pd.DataFrame]]:
    """Rows by split by name of the table, without what is empty."""
    whole = {name: tables[name]() for name in BENCHMARKS if name in tables}
    splits = {
        name: {split: table[table["split"] == split] for split in BENCHMARK_SPLITS} for name, table in whole.items()
    }
    if "preferences" in tables:
        pairs = tables["preferences"]()
        splits = {"preferences": {"train": pairs[~pairs["held_out"]], "held_out": pairs[pairs["held_out"]]}, **splits}
    if "translated_instructions" in tables:
        rows = tables["translated_instructions"]()
        splits = {"instructions": {name: rows[rows["split"] == name] for name in ("sft", "ranking", "rl")}, **splits}
    filled = {name: {split: rows for split, rows in each.items() if len(rows)} for name, each in splits.items()}
    return {name: each for name, each in filled.items() if each}


def _nothing_to_publish(language: str) -> UserError:
    return UserError(
        f"{language} has no rows to publish; make some: kedro run --pipeline=translation --params lang={language}"
    )


def _part(name: str, splits: dict[str, pd.DataFrame], tables: Tables) -> Part:
    none = pd.DataFrame(columns=REJECTED_COLUMNS, dtype="str")
    return Part(name, splits, tables[REJECTED[name]]() if REJECTED[name] in tables else none)
