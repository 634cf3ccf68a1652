"""Similarity with English is that of the mean states, computed here text by text from the model's own parts."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from tokenizers.processors import TemplateProcessing
from toy_models import CONFIGURATIONS, byte_tokenizer, random_model

from okapi_kedro import schemas
from okapi_kedro.evaluation.english_similarity import english_similarity, parallel_texts

NEPALI = ["नेपालको राजधानी कुन हो?", "दुई", "म विद्यालय जान्छु। म विद्यालय जान्छु।", "ठूलो घर", "क"]
ENGLISH = ["What is the capital of Nepal?", "Two", "I go to school. I go to school.", "A big house", "K"]


def layer_means(architecture: str, text: str, special: int | None = None) -> list[np.ndarray]:
    """Each layer's mean state of one text alone, from hooks on embeddings, blocks and the final norm."""
    model = random_model(architecture).base_model
    named = dict(model.named_children())
    blocks = named["h" if architecture == "bloom" else "layers"]
    caught: list[torch.Tensor] = []

    def keep(module, arguments, output=None):
        caught.append((output if output is not None else arguments[0]).squeeze(0))

    for block in blocks:
        block.register_forward_pre_hook(keep)
    named["ln_f" if architecture == "bloom" else "norm"].register_forward_hook(keep)
    ids = byte_tokenizer(512).encode(text)
    with torch.no_grad():
        model(torch.tensor([ids if special is None else [special, *ids]]))
    return [states[0 if special is None else 1 :].double().mean(0).numpy() for states in caught]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / math.sqrt((a @ a) * (b @ b)))


def expected(architecture: str, special: int | None = None) -> pd.DataFrame:
    own, english = ([layer_means(architecture, text, special) for text in texts] for texts in (NEPALI, ENGLISH))
    rows = []
    for layer in range(CONFIGURATIONS[architecture].num_hidden_layers + 1):
        values = [cosine(text[layer], original[layer]) for text, original in zip(own, english, strict=True)]
        others = [cosine(text[layer], english[(place + 1) % 5][layer]) for place, text in enumerate(own)]
        error = np.std(values, ddof=1) / 5**0.5
        rows.append((layer, np.mean(values), error, np.mean(others), 5))
    return pd.DataFrame(rows, columns=["layer", "similarity", "stderr", "unrelated", "n"])


def measured(architecture: str, texts=NEPALI, english=ENGLISH, tokenizer=None, batch_size=2, max_length=512):
    return english_similarity(
        random_model(architecture), tokenizer or byte_tokenizer(512), texts, english,
        batch_size=batch_size, max_length=max_length,
    )  # fmt: skip


@pytest.mark.parametrize("architecture", CONFIGURATIONS)
def test_every_layer_is_as_text_by_text(architecture):
    table = measured(architecture)
    pd.testing.assert_frame_equal(table, expected(architecture), atol=1e-5, rtol=0)
    schemas.EnglishSimilarity.validate(table)


@pytest.mark.parametrize("batch_size", [1, 3, 5, 64])
def test_the_size_of_a_batch_changes_nothing(batch_size):
    ours, other = measured("bloom", batch_size=batch_size), measured("bloom", batch_size=2)
    pd.testing.assert_frame_equal(ours, other, atol=1e-5, rtol=0)


def test_special_tokens_are_read_but_are_no_part_of_the_mean():
    tokenizer = byte_tokenizer(512)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="</s> $A", special_tokens=[("</s>", 256)])
    table = measured("llama", tokenizer=tokenizer)
    pd.testing.assert_frame_equal(table, expected("llama", special=256), atol=1e-5, rtol=0)
    assert not np.allclose(table["similarity"], measured("llama")["similarity"], atol=1e-4)


def test_english_is_as_english_as_can_be_and_other_texts_less_so():
    table = measured("bloom", texts=ENGLISH)
    assert table["similarity"].tolist() == pytest.approx([1.0] * 3)
    assert (table["unrelated"] < 0.99).all()


def test_no_more_than_so_many_tokens_of_a_text_are_read():
    cut = ["What is the capital", *ENGLISH[1:]]
    ours = measured("bloom", texts=cut, english=cut, max_length=7)
    whole = measured("bloom", texts=[text[:7] for text in cut], english=[text[:7] for text in cut])
    pd.testing.assert_frame_equal(ours, whole, atol=1e-6, rtol=0)


def test_one_text_has_no_error_and_no_other_text():
    table = measured("bloom", texts=NEPALI[:1], english=ENGLISH[:1])
    assert table["n"].tolist() == [1] * 3
    assert table["similarity"].notna().all()
    assert table[["stderr", "unrelated"]].isna().all(axis=None)
    schemas.EnglishSimilarity.validate(table)


def test_without_texts_there_are_no_layers():
    table = measured("bloom", texts=[], english=[])
    assert table.empty
    schemas.EnglishSimilarity.validate(table)


def test_a_text_without_a_token_is_like_nothing():
    table = measured("bloom", texts=["", *NEPALI[1:]], english=ENGLISH)
    rest = measured("bloom", texts=NEPALI[1:], english=ENGLISH[1:])
    assert table["similarity"].tolist() == pytest.approx((rest["similarity"] * 4 / 5).tolist(), abs=1e-5)


def rows(*ids: str, language: str = "ne") -> pd.DataFrame:
    return pd.DataFrame(
        {"id": list(ids), "instruction": [f"{language} {id}" for id in ids], "input": "", "output": f"{language} out"}
    ).astype("str")


def test_texts_are_the_whole_rows_that_both_languages_have():
    translated = rows("a", "b", "c").assign(input=["", "x", ""])
    texts = parallel_texts(translated, rows("c", "b", "d", language="en"), 10, 0).set_index("id")
    assert texts.to_dict("index") == {
        "b": {"text": "ne b\nx\nne out", "english": "en b\nen out"},
        "c": {"text": "ne c\nne out", "english": "en c\nen out"},
    }


def test_the_seed_draws_the_same_rows_whatever_other_rows_a_language_lacks():
    ids = [f"row-{number}" for number in range(200)]
    english = rows(*ids, language="en")
    drawn = parallel_texts(rows(*ids), english, 20, 3)["id"].tolist()
    assert len(drawn) == 20
    assert drawn != sorted(drawn, key=ids.index)
    lacking = [id for id in reversed(ids) if id in drawn[:15] or id not in drawn]
    assert parallel_texts(rows(*lacking), english, 20, 3)["id"].tolist()[:15] == drawn[:15]
    assert parallel_texts(rows(*ids), english, 20, 4)["id"].tolist() != drawn


def test_tables_without_a_common_row_give_no_texts():
    assert parallel_texts(rows("a"), rows("b", language="en"), 5, 0).columns.tolist() == ["id", "text", "english"]
    assert parallel_texts(rows("a"), rows(language="en"), 5, 0).empty
