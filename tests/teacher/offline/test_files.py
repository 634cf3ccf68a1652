from okapi_kedro.teacher.offline.files import FileStore


def test_a_file_lies_in_the_folder_under_a_name_of_the_stores_own_until_it_is_deleted(tmp_path):
    store = FileStore(tmp_path)
    first = store.add(b"one", "../same name", "batch")
    second = store.add(b"", "../same name", "batch")
    assert {path.name for path in tmp_path.iterdir()} == {first["id"], second["id"]}
    assert store.path(first["id"]).read_bytes() == b"one"
    assert store.newest_first() == [second, first]
    store.delete(first["id"])
    assert [path.name for path in tmp_path.iterdir()] == [second["id"]]
    assert first["id"] not in store
