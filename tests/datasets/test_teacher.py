"""The teacher comes out of the catalog ready to answer, and its key comes out nowhere."""

import pytest
from kedro.io import DataCatalog, DatasetError

from okapi_kedro.datasets import TeacherDataset
from okapi_kedro.errors import UserError
from okapi_kedro.teacher.messages import Request, Sampling

KEY = "planted-key-1234"
PAID = {"model": "gpt-3.5-turbo", "base_url": "https://api.example.com/v1"}
OFFLINE = {"model": "offline-teacher", "base_url": "offline"}


@pytest.fixture
def make(tmp_path):
    def teacher_dataset(**options):
        settings = {"concurrency": 4, "timeout": 30, "retries": 2, "path": str(tmp_path / "completions")}
        return TeacherDataset(**{**settings, **options})

    return teacher_dataset


def test_the_offline_teacher_answers_and_keeps_its_answers_in_the_folder(make, tmp_path):
    request = Request(({"role": "user", "content": "hello"},), Sampling(0.0, 1.0, 50))
    first = make(**OFFLINE).load().complete([request], stage="translation", language="ne")
    shards = list((tmp_path / "completions").glob("*.jsonl"))
    assert [shard.name for shard in shards] == ["translation.ne.jsonl"]
    written = shards[0].read_bytes()
    assert make(**OFFLINE).load().complete([request], stage="translation", language="ne") == first
    assert shards[0].read_bytes() == written


def test_the_settings_reach_the_teacher(make):
    teacher = make(**PAID, credentials={"api_key": KEY}).load()
    assert (teacher.model, teacher.base_url, teacher.api_key) == (*PAID.values(), KEY)
    assert (teacher.concurrency, teacher.timeout, teacher.retries) == (4, 30, 2)


def test_the_key_shows_in_no_representation(make):
    dataset = make(**PAID, credentials={"api_key": KEY})
    catalog = DataCatalog({"teacher": dataset})
    shown = [
        repr(dataset),
        str(dataset),
        dataset._describe(),
        dataset.label(),
        dataset.load(),
        catalog,
        dataset.metadata,
    ]
    assert not [each for each in shown if KEY in f"{each!r} {each!s}"]
    with pytest.raises(DatasetError) as error:
        dataset.save("anything")
    assert KEY not in str(error.value)


def test_a_catalog_entry_takes_the_key_from_the_credentials_that_it_names(make, tmp_path):
    entry = {"type": "okapi_kedro.datasets.TeacherDataset", **PAID, "path": str(tmp_path), "credentials": "teacher"}
    entry |= {"concurrency": 4, "timeout": 30, "retries": 2}
    catalog = DataCatalog.from_config({"teacher": entry}, {"teacher": {"api_key": KEY}})
    assert catalog.load("teacher").api_key == KEY
    assert KEY not in repr(catalog)


@pytest.mark.parametrize("credentials", [None, {}, {"api_key": ""}, {"api_key": None}])
def test_a_paid_teacher_without_a_key_says_what_to_set_and_what_works_without(make, credentials):
    with pytest.raises(UserError, match=r"OPENAI_API_KEY.*gpt-3\.5-turbo.*default environment") as error:
        make(**PAID, credentials=credentials).require_key()
    assert "\n" not in str(error.value)


def test_a_key_or_the_offline_teacher_is_enough(make):
    make(**PAID, credentials={"api_key": KEY}).require_key()
    make(**OFFLINE).require_key()


def test_the_label_says_that_the_offline_teacher_is_a_stand_in(make):
    assert "stand-in" in make(**OFFLINE).label()
    assert make(**PAID).label() == "gpt-3.5-turbo at https://api.example.com/v1"


def test_the_teacher_is_there_and_cannot_be_saved(make):
    dataset = make(**OFFLINE)
    assert dataset.exists()
    with pytest.raises(DatasetError, match="cannot save"):
        dataset.save("a teacher")
