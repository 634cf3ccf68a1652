from decimal import Decimal

from okapi_kedro.teacher.messages import Completion
from okapi_kedro.teacher.store import CompletionStore, Spending

from .answers import add, key_for


def test_spending_is_summed_by_stage_language_and_model(tmp_path):
    store = CompletionStore(tmp_path)
    for number, (stage, language, model, usd) in enumerate(
        [
            ("translation", "ne", "m", 0.25),
            ("translation", "ne", "m", 0.5),
            ("translation", "ne", "n", None),
            ("translation", "vi", "m", 0),
            ("ranking", "ne", "m", 1e-7),
        ]
    ):
        store.add(key_for(number), stage, language, Completion("a", "stop", 10 + number, number), model, usd)
    store.add_lost("translation", "ne", "n", 0.125, "reset")
    expected = [
        Spending("ranking", "ne", "m", 1, 14, 4, 1e-7, 0, 0, 0.0),
        Spending("translation", "ne", "m", 2, 21, 1, 0.75, 0, 0, 0.0),
        Spending("translation", "ne", "n", 1, 12, 2, 0.0, 1, 1, 0.125),
        Spending("translation", "vi", "m", 1, 13, 3, 0.0, 0, 0, 0.0),
    ]
    assert store.spending() == CompletionStore(tmp_path).spending() == expected
    assert store.spent_usd == 0.8750001


def test_sums_of_many_small_prices_do_not_drift(tmp_path):
    store = CompletionStore(tmp_path)
    prices = [0.1, 0.0000375, 0.0123456789, 3e-9]
    for number in range(400):
        add(store, number, "a", usd=prices[number % 4])
    exact = 100 * sum(Decimal(str(price)) for price in prices)
    assert store.spent_usd == CompletionStore(tmp_path).spent_usd == float(exact)
    assert sum([prices[number % 4] for number in range(400)]) != float(exact)
