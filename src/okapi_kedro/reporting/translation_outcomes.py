"""What became of the rows that were to be translated: passed at which attempt, or rejected for which reason."""

import math
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from okapi_kedro.reporting.charts import COLOURS, Segment, stacked_bars
from okapi_kedro.reporting.pages import BENCHMARK_NAMES, percent, whole

TABLES = ("instructions", "arc", "hellaswag", "mmlu")
COLUMNS = ["table", "attempts", "reason", "field", "rows"]
OTHER = "other reasons"
MOST_REASONS = 12
LAST_ATTEMPT = 5

_FIELD = re.compile(r"^(\w+): (?=\S)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def translation_outcomes(kept: Mapping[str, pd.DataFrame], rejected: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Rows by outcome: those that passed by their attempts, the others by reason and field.

    Args:
        kept: translated rows by table, possibly with a column attempts.
        rejected: rows set aside by table; a reason may begin with the field that it is about, `output: script`.

    Returns:
        Columns table, attempts (0 where nobody was asked, the table does not tell or the row was rejected), reason
        (empty where rows passed; numbers in it are left out, so that equal reasons are equal texts), field and rows.
    """
    passed = [
        (table, int(attempts), "", "", int(count))
        for table, rows in kept.items()
        for attempts, count in _attempts(rows).value_counts().sort_index().items()
    ]
    failed = [
        (table, 0, reason, field, int(count))
        for table, rows in rejected.items()
        for (reason, field), count in _reasons(rows["reason"]).value_counts().items()
    ]
    texts = dict.fromkeys(("table", "reason", "field"), "str")
    return pd.DataFrame([*passed, *failed], columns=COLUMNS).astype({**texts, "attempts": "int64", "rows": "int64"})


def _attempts(rows: pd.DataFrame) -> pd.Series:
    return rows["attempts"] if "attempts" in rows.columns else pd.Series(0, index=rows.index)


def _reasons(reasons: pd.Series) -> pd.DataFrame:
    """Reason and field of each rejected row."""
    fields = [found[1] if (found := _FIELD.match(reason)) else "" for reason in reasons]
    plain = [_NUMBER.sub("…", _FIELD.sub("", reason, count=1)) for reason in reasons]
    return pd.DataFrame({"reason": plain, "field": fields}, dtype="str")


def rejection_chart(outcomes: pd.DataFrame) -> Markup:
    """One bar for each reason, with a piece for each table; empty when no row was rejected."""
    rejected = _with_common_reasons(outcomes[outcomes["reason"] != ""], MOST_REASONS)
    pieces = [
        Segment(f"{reason} ({whole(total)})", _table_name(table), count, _told(count, group))
        for reason, total in _by_frequency(rejected).items()
        for table in TABLES
        for group in [rejected[(rejected["reason"] == reason) & (rejected["table"] == table)]]
        if (count := int(group["rows"].sum()))
    ]
    return stacked_bars(pieces, "Rejected translations by reason", "rows") if pieces else Markup("")


def rejection_rows(outcomes: pd.DataFrame) -> list[dict[str, Any]]:
    """The reasons with their rows in each table and the fields they are about, the most frequent first."""
    rejected = outcomes[outcomes["reason"] != ""]
    rows = [
        {
            "reason": reason,
            "counts": [int(group.loc[group["table"] == table, "rows"].sum()) for table in TABLES],
            "fields": _fields(group),
        }
        for reason, group in rejected.groupby("reason", sort=False)
    ]
    return sorted(rows, key=lambda row: sum(row["counts"]), reverse=True)


def attempts_chart(by_label: Mapping[str, pd.DataFrame]) -> Markup:
    """One bar for each label: the shares of instructions that passed at each attempt, and of those that never did.

    Args:
        by_label: outcomes, by what the bar is called. Those of which nobody was asked get no bar; the chart is empty
            when that is so of all.
    """
    counts = {label: _by_attempt(outcomes) for label, outcomes in by_label.items()}
    attempts = sorted(
        {attempt for each in counts.values() for attempt in each}, key=lambda attempt: attempt or math.inf
    )
    pieces = [
        Segment(label, _attempt_name(attempt), 100 * count / total, _told_of(count, total))
        for attempt in attempts
        for label, rows in counts.items()
        for total in [sum(rows.values())]
        if (count := rows.get(attempt, 0))
    ]
    title = "Share of instructions that passed at each attempt"
    return stacked_bars(pieces, title, "% of the instructions") if pieces else Markup("")


def _by_attempt(outcomes: pd.DataFrame) -> dict[int, int]:
    """Instructions that passed by their attempts, the last ones together, and the rejected under 0."""
    rows = outcomes[outcomes["table"] == "instructions"]
    passed = rows[rows["attempts"] > 0]
    if passed.empty:
        return {}
    by_attempt = passed.groupby(passed["attempts"].clip(upper=LAST_ATTEMPT))["rows"].sum().to_dict()
    return {**by_attempt, 0: int(rows.loc[rows["reason"] != "", "rows"].sum())}


def _attempt_name(attempt: int) -> str:
    if attempt == 0:
        return "rejected"
    return f"attempt {attempt}" if attempt < LAST_ATTEMPT else f"attempt {LAST_ATTEMPT} or later"


def _told_of(count: int, total: int) -> str:
    return f"{percent(count / total)} %, {whole(count)} of {whole(total)}"


def rejection_share_chart(by_label: Mapping[str, pd.DataFrame]) -> Markup:
    """One bar for each label: the shares of all rows that were rejected, by reason; empty when none was.

    Args:
        by_label: outcomes, by what the bar is called.
    """
    totals = {label: int(outcomes["rows"].sum()) for label, outcomes in by_label.items()}
    rejected = _with_common_reasons(_labelled(by_label), COLOURS)
    order = _by_frequency(rejected)
    pieces = [
        Segment(f"{label} {percent(share)} %", reason, 100 * count / totals[label], _told(count, group))
        for label, own in rejected.groupby("label", sort=False)
        for share in [own["rows"].sum() / totals[label]]
        for reason in order
        for group in [own[own["reason"] == reason]]
        if (count := int(group["rows"].sum()))
    ]
    return stacked_bars(pieces, "Rejected translations by language", "% of the rows") if pieces else Markup("")


def _labelled(by_label: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The rejected rows of all labels in one table."""
    tables = [table[table["reason"] != ""].assign(label=label) for label, table in by_label.items()]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=[*COLUMNS, "label"])


def _with_common_reasons(rejected: pd.DataFrame, most: int) -> pd.DataFrame:
    """The same with all but the most frequent reasons under one name."""
    reasons = list(_by_frequency(rejected))
    if len(reasons) <= most:
        return rejected
    return rejected.assign(reason=rejected["reason"].where(rejected["reason"].isin(reasons[: most - 1]), OTHER))


def _by_frequency(rejected: pd.DataFrame) -> dict[str, int]:
    """The reasons with their rows, the most frequent first, those without a name of their own last."""
    totals = rejected.groupby("reason", sort=False)["rows"].sum().to_dict()
    return dict(sorted(totals.items(), key=lambda item: (item[0] == OTHER, -item[1])))


def _told(count: int, group: pd.DataFrame) -> str:
    fields = _fields(group)
    return f"{whole(count)} ({fields})" if fields else whole(count)


def _fields(group: pd.DataFrame) -> str:
    """The fields with their rows, the most frequent first."""
    named = (
        group[group["field"] != ""]
        .groupby("field", sort=False)["rows"]
        .sum()
        .sort_values(ascending=False, kind="stable")
    )
    return ", ".join(f"{field} {whole(count)}" for field, count in named.items())


def _table_name(table: str) -> str:
    return BENCHMARK_NAMES.get(table, table)
