"""Instructions of our own in Alpaca's schema, for the chain to run on where Alpaca itself is not at hand.

    python -m okapi_kedro.teacher.offline.sample_instructions data/01_raw/alpaca_sample.json

writes the same file every time: distinct tasks of the grammar, in English.
"""

import argparse
import json
import random
from pathlib import Path

from okapi_kedro.teacher.offline.grammar import draw_task

SEED = 2307
ROWS = 6000


def sample_instructions() -> list[dict[str, str]]:
    """Distinct tasks with their right answers."""
    rng = random.Random(SEED)
    rows: dict[str, dict[str, str]] = {}
    while len(rows) < ROWS:
        row = draw_task(rng).text("en")
        rows.setdefault(f"{row['instruction']}\n{row['input']}", row)
    return list(rows.values())


def write_sample(path: Path) -> None:
    """Writes the instructions as a JSON array, one row a line."""
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in sample_instructions())
    path.write_text(f"[\n{rows}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the sample instructions in Alpaca's schema.")
    parser.add_argument("path", type=Path, help="the file, for example data/01_raw/alpaca_sample.json")
    write_sample(parser.parse_args().path)
