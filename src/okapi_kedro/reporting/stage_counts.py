"""What each stage took in, kept and rejected, and why."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd

_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def stage_row(stage: str, taken: int, kept: int, rejected: int, seconds: float) -> dict[str, object]:
    """One stage's line in the table of stages.

    Args:
        stage: name of the stage.
        taken: rows that came in.
        kept: rows that went on.
        rejected: rows that were set aside with a reason.
        seconds: time the stage took.

    Raises:
        ValueError: when rows were lost or invented, so that taken is not kept + rejected.
    """
    if taken != kept + rejected:
        raise ValueError(f"stage {stage}: took {taken} rows, but kept {kept} and rejected {rejected}")
    return {"stage": stage, "in": taken, "kept": kept, "rejected": rejected, "seconds": seconds}


def rejections(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Why rows were rejected: one line per stage and reason, with the first raw text as an example.

    Reasons that differ in their numbers alone count as one, and the numbers that differ become a range:
    `65 tokens, longer than 64` and `80 tokens, longer than 64` are `65–80 tokens, longer than 64`.

    Args:
        tables: rejected rows by stage, with the columns id, reason and possibly raw.

    Returns:
        Columns stage, reason, count and example (empty where the stage keeps no raw text); a stage's most frequent
        reason comes first.
    """
    rows = [row for stage, table in tables.items() for row in _stage_rejections(stage, table)]
    table = pd.DataFrame(rows, columns=["stage", "reason", "count", "example"])
    return table.astype({"stage": "str", "reason": "str", "count": "int64", "example": "str"})


def _stage_rejections(stage: str, table: pd.DataFrame) -> list[tuple[str, str, int, str]]:
    raw = table["raw"] if "raw" in table.columns else pd.Series("", index=table.index, dtype="str")
    kinds = table["reason"].map(lambda reason: _NUMBER.sub("#", reason)).astype("str")
    rows = [
        (stage, _common_wording(group.tolist()), len(group), raw.loc[group.index].iloc[0])
        for _, group in table["reason"].groupby(kinds, sort=False)
    ]
    return sorted(rows, key=lambda row: row[2], reverse=True)


def _common_wording(reasons: Sequence[str]) -> str:
    """One wording for reasons that differ in their numbers alone."""
    places = zip(*(_NUMBER.findall(reason) for reason in reasons), strict=True)
    ranges = iter([_range(numbers) for numbers in places])
    return _NUMBER.sub(lambda _: next(ranges), reasons[0])


def _range(numbers: Sequence[str]) -> str:
    lowest, highest = min(numbers, key=float), max(numbers, key=float)
    return lowest if float(lowest) == float(highest) else f"{lowest}–{highest}"
