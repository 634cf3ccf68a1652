"""Tables in the published form and as a dataset; read again they are the same."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.pipelines.ingest.nodes import ingest_benchmark, ingest_instructions, ingest_preferences
from okapi_kedro.pipelines.publish.nodes import PublishParameters, write_dataset, write_published_files
from okapi_kedro.pipelines.translation.nodes import BenchmarkParameters
from okapi_kedro.training.prompt import ENGLISH, prompt_of

from ..ingest.test_nodes import ARC, PARAMETERS, SPLIT

PUBLISH = PublishParameters(licence="cc-by-nc-4.0", reasons=5)
TEXTS = ["नेपाल", " a|b \r\n", "</td><script>", '"', "../../x", "### Input:", "x" * 10_000]


def tables() -> dict[str, pd.DataFrame]:
    """A little of everything, with texts that could break a file."""
    instructions = pd.DataFrame(
        [
            {
                "id": f"{split}/../{place}",
                "split": split,
                "held_out": place % 2 == 0,
                "instruction": text,
                "input": text if place % 3 else "",
                "output": text,
                "attempts": place,
            }
            for split in ("sft", "ranking", "rl")
            for place, text in enumerate(TEXTS)
        ]
    )
    preferences = pd.DataFrame(
        [
            {
                "id": f"ranking/../{place}",
                "pair": pair,
                "prompt": prompt_of(text, text if place % 3 else "", ENGLISH),
                "chosen": f" {text}",
                "rejected": " ",
                "held_out": place % 2 == 0,
            }
            for place, text in enumerate(TEXTS)
            for pair in range(3)
        ]
    )
    splits = ("train", "validation", "test")
    arc = pd.DataFrame(
        [
            {"id": f"{split} {text}", **ARC, "instruction": text, "option_e": "", "split": split}
            for split in splits
            for text in TEXTS
        ]
    )
    hellaswag = pd.DataFrame(
        [
            {
                "ind": ind,
                **dict.fromkeys(("activity_label", "ctx_a", "ctx_b", "ctx"), text),
                "endings": list("wxyz"),
                "source_id": "s",
                "split": "validation",
                "split_type": "zeroshot",
                "label": ind % 4,
            }
            for ind, text in enumerate(TEXTS)
        ]
    )
    mmlu = arc.drop(columns="option_e")
    return {
        "translated_instructions": instructions,
        "preferences": preferences,
        "arc": arc,
        "hellaswag": hellaswag,
        "mmlu": mmlu,
        "rejected_translations": pd.DataFrame({"id": ["x"], "reason": ["script"], "raw": ["RAW"]}),
        "sft_rows": pd.DataFrame(),
    }


def kept_as_parquet(folder: Path, made: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """The tables as a catalog hands them out."""
    for name, table in made.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    return {name: (lambda name=name: pd.read_parquet(folder / f"{name}.parquet")) for name in made}


def as_read(written: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Loaders of the files, each with its text as it would stand on disk."""
    return {name: (lambda rows=rows: json.dumps(rows, ensure_ascii=False, indent=1)) for name, rows in written.items()}


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    lists = {"endings": table["endings"].map(list)} if "endings" in table else {}
    return table.assign(**lists).to_dict("records")


def test_published_and_read_again_every_table_is_the_same(tmp_path: Path) -> None:
    mine = tables()
    files = as_read(write_published_files(kept_as_parquet(tmp_path, mine), ENGLISH, "vi"))
    instructions, rejected, _ = ingest_instructions(files, PARAMETERS, SPLIT, "vi")
    assert records(instructions) == records(mine["translated_instructions"])
    preferences, more_rejected, _ = ingest_preferences(files, ENGLISH, SPLIT, "vi")
    assert records(preferences) == records(mine["preferences"])
    for benchmark in ("arc", "hellaswag", "mmlu"):
        parameters = BenchmarkParameters(name=benchmark, most_rows=None, shots=0)
        table, rejected_here = ingest_benchmark(files, parameters, "vi", 1)
        key = "ind" if benchmark == "hellaswag" else "id"
        assert records(table.sort_values(key)) == records(mine[benchmark].sort_values(key))
        assert rejected_here.empty
    assert rejected.empty
    assert more_rejected.empty


def test_the_published_keys_are_those_of_okapi_and_more(tmp_path: Path) -> None:
    files = write_published_files(kept_as_parquet(tmp_path, tables()), ENGLISH, "vi")
    folders = {
        "multilingual-alpaca-52k/vi": {"instruction", "input", "output"},
        "multilingual-rl-tuning-64k/vi": {"instruction", "input", "output", "id"},
        "multilingual-ranking-data-42k/vi": {"instruction", "input", "prefered_output", "rejected_output", "id"},
        "m_arc/vi_test": {"id", "instruction", *(f"option_{letter}" for letter in "abcde"), "answer"},
        "m_hellaswag/vi_validation": {"ind", "ctx", "endings", "label", "split_type"},
        "m_mmlu/vi_train": {"id", "instruction", *(f"option_{letter}" for letter in "abcd"), "answer"},
    }
    for name, keys in folders.items():
        assert files[name]
        assert all(keys <= row.keys() for row in files[name]), name
    assert "m_hellaswag/vi_test" not in files, "a split without rows has no file"


def test_names_come_from_us_and_never_from_rows(tmp_path: Path) -> None:
    made = tables()
    rogue = made["translated_instructions"].assign(split="../../../evil")
    given = kept_as_parquet(tmp_path, {**made, "translated_instructions": rogue})
    parquet, _ = write_dataset(given, [], PUBLISH, "vi")
    assert all(".." not in name for name in [*write_published_files(given, ENGLISH, "vi"), *parquet])


def test_only_what_exists_is_published(tmp_path: Path) -> None:
    given = kept_as_parquet(tmp_path, {name: tables()[name] for name in ("arc", "sft_rows")})
    parquet, card = write_dataset(given, [], PUBLISH, "vi")
    assert set(parquet) == {"arc/train", "arc/validation", "arc/test"}
    assert "instructions" not in card.split("## Known")[0].split("---")[1].replace("instruction-tuning", "")
    assert set(write_published_files(given, ENGLISH, "vi")) == {
        "m_arc/vi_train",
        "m_arc/vi_validation",
        "m_arc/vi_test",
    }


@pytest.mark.parametrize("made", [{}, {"arc": tables()["arc"].head(0)}, {"sft_rows": pd.DataFrame()}])
def test_nothing_to_publish_is_one_line(tmp_path: Path, made: dict[str, pd.DataFrame]) -> None:
    given = kept_as_parquet(tmp_path, made)
    for publish in (
        lambda: write_published_files(given, ENGLISH, "vi"),
        lambda: write_dataset(given, [], PUBLISH, "vi"),
    ):
        with pytest.raises(UserError, match=r"vi has no rows to publish; make some: kedro run .* lang=vi"):
            publish()


def test_a_dataset_loads_offline_by_configuration_and_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets  # noqa: PLC0415

    made = tables()
    parquet, card = write_dataset(kept_as_parquet(tmp_path, made), [], PUBLISH, "vi")
    folder = tmp_path / "dataset"
    for name, table in parquet.items():
        (folder / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        table.to_parquet(folder / "data" / f"{name}.parquet", index=False)
    (folder / "README.md").write_text(card, encoding="utf-8")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    cache = str(tmp_path / "cache")
    loaded = datasets.load_dataset(str(folder), cache_dir=cache)
    rows = [row for split in ("sft", "ranking", "rl") for row in loaded[split]]
    assert rows == made["translated_instructions"].to_dict("records")
    pairs = datasets.load_dataset(str(folder), "preferences", cache_dir=cache)
    assert set(pairs["held_out"]["held_out"]) == {True}
    assert len(pairs["train"]) + len(pairs["held_out"]) == len(made["preferences"])
    hellaswag = datasets.load_dataset(str(folder), "hellaswag", split="validation", cache_dir=cache)
    assert list(hellaswag) == made["hellaswag"].to_dict("records")
    assert "RAW" not in card
