import json
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.store import CompletionStore, compact, completion_store, export, parquet_export
from okapi_kedro.teacher.store.__main__ import main
from okapi_kedro.teacher.store.index_file import INDEX

from ..endpoint import environment
from .answers import ASKER, add, go, key_for, start


@pytest.fixture
def folder(tmp_path):
    """Five answers, one of them given twice, a loss, and a torn line."""
    folder = tmp_path / "store"
    store, other = CompletionStore(folder), CompletionStore(folder)
    add(store, 1, "first", stage="ranking")
    add(other, 1, "second")
    for number in range(2, 6):
        add(store, number, f"{number} नमस्ते", usd=None if number == 5 else 0.25)
    store.add_lost("ranking", "ne", "m", 1.0, "reset")
    with (folder / "ranking.ne.jsonl").open("ab") as killed_writer:
        killed_writer.write(b'{"key":"12')
    return folder


def lines(folder, name):
    return [json.loads(line) for line in (folder / name).read_bytes().splitlines()]


def test_compaction_keeps_the_first_answers_and_what_was_spent(folder):
    spent = CompletionStore(folder).spent_usd
    before = sum(path.stat().st_size for path in folder.glob("*.*.jsonl"))
    compacted = compact(folder)
    after = sum(path.stat().st_size for path in folder.glob("*.*.jsonl"))
    assert (compacted.duplicates, compacted.bytes) == (1, before - after)
    assert [line["text"] for line in lines(folder, "ranking.ne.jsonl")] == ["first"]
    assert [line["text"] for line in lines(folder, "translation.ne.jsonl")] == [f"{n} नमस्ते" for n in range(2, 6)]
    store = CompletionStore(folder)
    assert (len(store), store[key_for(1)].text, store.spent_usd) == (5, "first", spent)
    del store
    assert lines(folder, "lost.jsonl")[1]["cause"] == "second answer to the same request"
    assert compact(folder).duplicates == 0
    assert CompletionStore(folder).spent_usd == spent


def test_compaction_makes_the_index_anew_and_clears_leftovers(folder, monkeypatch):
    monkeypatch.setattr(completion_store, "MOST_UNINDEXED", 0)
    CompletionStore(folder)
    old = (folder / INDEX).read_bytes()
    for leftover in (f"{INDEX}.123.new", "translation.ne.jsonl.new"):
        (folder / leftover).write_text("left by a kill")
    (folder / "mine.new").write_text("mine")
    compact(folder)
    assert (folder / INDEX).read_bytes() != old
    assert [path.name for path in folder.glob("*.new")] == ["mine.new"]
    store = CompletionStore(folder)
    assert [store[key_for(number)].text for number in range(2, 6)] == [f"{number} नमस्ते" for number in range(2, 6)]


def test_compaction_is_refused_while_another_process_has_the_folder_open(folder, capsys):
    asker = start(ASKER, folder)
    before = {path: path.read_bytes() for path in folder.glob("*.jsonl")}
    with pytest.raises(UserError, match="in use by another process"):
        compact(folder)
    assert main(["compact", str(folder)]) == 1
    assert "in use by another process" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.glob("*.jsonl")} == before
    asker.kill()
    asker.wait()
    assert compact(folder).duplicates == 1


def test_a_store_is_not_opened_while_another_process_compacts(folder):
    compacting = CompletionStore(folder)
    compacting.close_to_others()
    process = subprocess.Popen(
        [sys.executable, "-m", "okapi_kedro.teacher.store", "show", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.5)
    del compacting
    assert "5 requests answered" in process.communicate()[0]


def test_a_broken_line_stops_a_compaction_before_anything_changes(folder):
    shard = folder / "translation.ne.jsonl"
    broken = shard.read_bytes().replace(b'"text"', b'"tex', 1)
    broken = broken.replace(b'"prompt_tokens"', b'"p"', 1)
    shard.write_bytes(broken)
    with pytest.raises(UserError, match=r"translation\.ne\.jsonl: line 1, at byte 0"):
        compact(folder)
    assert shard.read_bytes() == broken


@pytest.mark.parametrize("row_group", [1, 1 << 26])
def test_an_export_holds_every_line(folder, tmp_path, monkeypatch, row_group):
    monkeypatch.setattr(parquet_export, "_ROW_GROUP", row_group)
    monkeypatch.setattr("okapi_kedro.teacher.store.line_file._BATCH", 300)
    assert export(folder, tmp_path / "all.parquet") == 6
    rows = pq.read_table(tmp_path / "all.parquet").to_pylist()
    expected = [
        {"stage": stage, "language": "ne", **line}
        for stage in ("ranking", "translation")
        for line in map(json.loads, (folder / f"{stage}.ne.jsonl").read_bytes().split(b"\n")[:-1])
    ]
    assert rows == expected
    assert pq.ParquetFile(tmp_path / "all.parquet").num_row_groups >= (3 if row_group == 1 else 1)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["all.parquet"]


def test_an_empty_folder_exports_as_an_empty_table(tmp_path):
    (tmp_path / "store").mkdir()
    assert export(tmp_path / "store", tmp_path / "none.parquet") == 0
    assert pq.read_table(tmp_path / "none.parquet").column_names == parquet_export.SCHEMA.names


def test_show_prints_what_was_spent(folder, capsys):
    assert main(["show", str(folder)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].split() == ["ranking", "ne", "m", "1", "5", "2", "0.2500", "0", "1", "1.0000"]
    assert printed[2].split() == ["translation", "ne", "m", "5", "25", "10", "1.0000", "1", "0", "0.0000"]
    assert printed[3] == "5 requests answered, 2.2500 USD spent"


def test_the_commands_say_what_they_did_and_name_what_is_missing(folder, tmp_path, capsys):
    assert main(["export", str(folder), str(tmp_path / "out.parquet")]) == 0
    assert main(["compact", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "6 answers written to " in printed
    assert "1 second answers and " in printed
    for arguments in (["show"], ["compact"], ["export", str(tmp_path / "x.parquet")]):
        assert main([arguments[0], str(tmp_path / "nowhere"), *arguments[1:]]) == 1
        assert capsys.readouterr().err == f"{tmp_path / 'nowhere'}: no such folder\n"
    assert main(["export", str(folder), str(tmp_path / "no" / "x.parquet")]) == 1
    assert not (tmp_path / "nowhere").exists()


def test_help_names_the_commands(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    printed = capsys.readouterr().out
    assert all(command in printed for command in ("show", "compact", "export"))
    with pytest.raises(SystemExit, match="0"):
        main(["export", "--help"])
    assert "OUT.parquet" in capsys.readouterr().out


def test_an_export_while_another_process_adds_is_whole(folder, tmp_path):
    asker = start(ASKER, folder)
    go(asker)
    assert asker.stdout.readline() == "asking\n"
    assert export(folder, tmp_path / "all.parquet") == 6
    go(asker)
    assert asker.wait(10) == 0
