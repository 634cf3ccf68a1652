"""Words of rouge_score's tokenizer, and of any script."""

import pytest
from rouge_score import tokenizers

from okapi_kedro.text.tokens import rouge_tokens, unicode_tokens


@pytest.mark.parametrize(
    "text",
    ["", " \n", "Two words", "don't_stop", "İI\u212a", "ﬁ ² ½ ٣ 中 x", "naïve café 3.5e-7", "a\u2028b\x85c", "Ⅷ"],
)
def test_the_words_are_those_of_rouge_scores_tokenizer(text: str) -> None:
    assert rouge_tokens(text) == tokenizers.DefaultTokenizer(use_stemmer=False).tokenize(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" ... ?!", []),
        ("Don't_stop, NOW", ["don", "t", "stop", "now"]),
        ("Straße CAFÉ", ["strasse", "café"]),
        ("नेपालको राजधानी के हो?", ["नेपालको", "राजधानी", "के", "हो"]),
        ("தமிழ் மொழி", ["தமிழ்", "மொழி"]),
        ("ما هي عاصمةُ مصر؟", ["ما", "هي", "عاصمةُ", "مصر"]),
        ("中国的首都, 2015年", ["中", "国", "的", "首", "都", "2015", "年"]),
        ("東京タワーへ go", ["東", "京", "タ", "ワ", "ー", "へ", "go"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("ﬁne ２０１５ x²", ["fine", "2015", "x2"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("1,000 km²", ["1", "000", "km2"]),
    ],
)
def test_the_words_of_any_script(text: str, words: list[str]) -> None:
    assert unicode_tokens(text) == words


def test_equal_texts_in_another_form_have_the_same_words() -> None:
    assert unicode_tokens("e\u0301te\u0301") == unicode_tokens("été")
