"""The teacher comes out of the catalog ready to answer, and its key comes out nowhere."""

import pytest
from kedro.io import DataCatalog, DatasetError

from okapi_kedro.datasets import TeacherDataset
from okapi_kedro.errors import UserError
from okapi_kedro.teacher.account import Price
from okapi_kedro.teacher.batch.settings import BatchSettings
from okapi_kedro.teacher.counting import CountingTeacher, NotAsked
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
    endpoint = teacher.endpoint
    assert (endpoint.model, endpoint.base_url, endpoint.api_key, endpoint.timeout) == (*PAID.values(), KEY, 30)
    assert (teacher.concurrency, teacher.retries) == (4, 2)


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
    assert catalog.load("teacher").endpoint.api_key == KEY
    assert KEY not in repr(catalog)


@pytest.mark.parametrize("credentials", [{}, {"api_key": ""}, {"api_key": None}])
def test_a_paid_teacher_without_a_key_says_what_to_set_and_what_works_without(make, credentials):
    with pytest.raises(UserError, match=r"OPENAI_API_KEY.*gpt-3\.5-turbo.*default environment") as error:
        make(**PAID, credentials=credentials).require_key()
    assert "\n" not in str(error.value)


def test_a_key_or_the_offline_teacher_is_enough(make):
    make(**PAID, credentials={"api_key": KEY}).require_key()
    make(**OFFLINE).require_key()


def test_an_entry_without_credentials_is_an_endpoint_that_asks_for_no_key(make):
    make(model="mine", base_url="http://127.0.0.1:8000/v1").require_key()


def test_the_label_says_that_the_offline_teacher_is_a_stand_in(make):
    assert "stand-in" in make(**OFFLINE).label()
    assert make(**PAID).label().startswith("gpt-3.5-turbo at https://api.example.com/v1, no price known")
    priced = make(**PAID, prices={"gpt-3.5-turbo": {"prompt": 0.5, "completion": 1.5}}, budget_usd=20.0)
    assert "$0.5 + $1.5 per million tokens read + written, budget $20.00, $0.00 spent so far" in priced.label()


@pytest.mark.parametrize("price", [{"prompt": 1.0}, {"input": 1.0, "output": 2.0}, {}])
def test_a_price_of_another_form_is_refused(make, price):
    with pytest.raises(UserError, match=r"teacher\.prices\.gpt-3\.5-turbo has to give prompt and completion"):
        make(**PAID, prices={"gpt-3.5-turbo": price})


def test_in_batch_mode_everything_costs_its_share_and_the_limits_reach_the_teacher(make):
    prices = {"gpt-3.5-turbo": {"prompt": 0.5, "completion": 1.5}}
    dataset = make(**PAID, prices=prices, budget_usd=20.0, mode="batch", batch_requests=100, batch_files=2)
    teacher = dataset.load()
    assert teacher.batch == BatchSettings(requests=100, files=2)
    assert teacher.account.price == Price(0.25, 0.75)
    assert "through its Batch API, $0.25 + $0.75 per million tokens" in dataset.label()
    third = make(**PAID, prices=prices, mode="batch", batch_price=0.2).load()
    assert third.account.price == Price(pytest.approx(0.1), pytest.approx(0.3))


def test_a_dry_run_in_batch_mode_counts_at_its_price(make):
    prices = {"gpt-3.5-turbo": {"prompt": 0.5, "completion": 1.5}}
    requests = [Request(({"role": "user", "content": "hello" * n},), Sampling(0.0, 1.0, 50)) for n in range(5)]

    def usd_at_most(mode):
        counting = CountingTeacher(make(**PAID, prices=prices, mode=mode).load())
        with pytest.raises(NotAsked):
            list(counting.stream(requests, "translation", "ne"))
        return counting.counts["translation", "ne"].usd_at_most

    assert usd_at_most("batch") == pytest.approx(usd_at_most("sync") / 2) != 0


def test_without_being_told_otherwise_it_asks_one_by_one_and_at_the_full_price(make):
    teacher = make(**PAID, prices={"gpt-3.5-turbo": {"prompt": 0.5, "completion": 1.5}}).load()
    assert (teacher.batch, teacher.account.price) == (None, Price(0.5, 1.5))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mode": "async"}, r"teacher\.mode is 'async'; it has to be sync or batch"),
        ({"mode": "batch", "batch_price": 50}, r"teacher\.batch_price is 50; .* from 0 to 1"),
        ({"mode": "batch", "batch_requests": 0}, r"teacher\.batch_requests has to be at least 1"),
    ],
)
def test_settings_of_the_mode_that_cannot_be_are_refused(make, settings, message):
    with pytest.raises(UserError, match=message):
        make(**PAID, **settings)


def test_the_embedded_offline_teacher_has_no_batch_mode(make):
    with pytest.raises(DatasetError, match=r"python -m okapi_kedro\.teacher\.offline"):
        make(**OFFLINE, mode="batch").load()


def test_all_nodes_of_a_run_share_one_teacher_and_so_one_budget(make):
    dataset = make(**OFFLINE)
    assert dataset.load() is dataset.load()


def test_the_teacher_is_there_and_cannot_be_saved(make):
    dataset = make(**OFFLINE)
    assert dataset.exists()
    with pytest.raises(DatasetError, match="cannot save"):
        dataset.save("a teacher")
