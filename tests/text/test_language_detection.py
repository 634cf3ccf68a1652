"""The judge of a text's language, on sentences that mean the same in every language, and on what is no prose."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from okapi_kedro.languages import LANGUAGES
from okapi_kedro.text import language_detection
from okapi_kedro.text.language_detection import wrong_language

SENTENCES: dict[str, list[str]] = json.loads(Path(__file__).with_name("parallel_sentences.json").read_text("utf-8"))
ENGLISH = SENTENCES["en"]
TARGETS = sorted(SENTENCES.keys() & LANGUAGES.keys() - {"en"})
CLOSE_PAIRS = [
    ("hr", "sr-Latn"),
    ("hi", "mr"),
    ("hi", "ne"),
    ("mr", "hi"),
    ("mr", "ne"),
    ("ne", "hi"),
    ("ne", "mr"),
    ("ca", "es"),
    ("es", "ca"),
    ("uk", "ru"),
    ("ru", "uk"),
    ("sr", "ru"),
    ("da", "sk"),
]


def passage(language: str) -> str:
    return " ".join(SENTENCES[language])


@pytest.mark.parametrize("code", TARGETS)
def test_good_sentences_pass_with_and_without_their_source(code: str) -> None:
    for text, source in zip(SENTENCES[code], ENGLISH, strict=True):
        assert wrong_language(text, LANGUAGES[code], source) is None
        assert wrong_language(text, LANGUAGES[code]) is None


@pytest.mark.parametrize("code", TARGETS)
def test_good_passages_pass(code: str) -> None:
    assert wrong_language(passage(code), LANGUAGES[code], passage("en")) is None


@pytest.mark.parametrize("code", sorted(LANGUAGES.keys() - {"en"}))
def test_sentences_left_in_english_are_found_for_every_language(code: str) -> None:
    for sentence in ENGLISH:
        assert wrong_language(sentence, LANGUAGES[code], sentence) == "in English"


@pytest.mark.parametrize("code", sorted(LANGUAGES.keys() - {"en"}))
def test_an_answer_in_english_instead_of_a_translation_is_found(code: str) -> None:
    answer = "To stay fresh they want shade, so store them in a cool cupboard and never near bananas."
    assert wrong_language(answer, LANGUAGES[code], ENGLISH[0]) == "in English"


@pytest.mark.parametrize(("target", "language"), CLOSE_PAIRS)
def test_passages_in_a_close_language_are_found(target: str, language: str) -> None:
    name = LANGUAGES[language.removesuffix("-Latn")].name
    assert wrong_language(passage(language), LANGUAGES[target], passage("en")) == f"in {name}"


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("sr", passage("sr-Latn")),
        ("sr", "Deca se igraju u bašti iza škole."),
        ("zh", "Háizi men zài xuéxiào hòumiàn de huāyuán lǐ wánr."),
        ("hi", "Bachche school ke peeche bageeche mein khel rahe hain."),
        ("ne", "Namaste"),
        ("ne", "no"),
        ("ru", "Deti igrayut v sadu za shkoloy."),
        ("bn", passage("hi")),
        ("ar", "یہ تو ٹھیک ہے" + passage("ru")),
    ],
)
def test_another_script_is_wrong_at_any_length(target: str, text: str) -> None:
    assert wrong_language(text, LANGUAGES[target]) == "in the wrong script"


@pytest.mark.parametrize("code", sorted(LANGUAGES))
@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "🙂🎉",
        "12,5 + 3 = 15.5",
        "f(x) = (x - 6) / 3",
        "…!?",
        "```python\nfor word in words:\n    print(word)\n```",
        "`the value of this variable is printed`",
        "https://example.org/the-children-are-playing-in-the-garden",
        "writer.of.letters@example.org",
        "<div class='left in the garden'>&nbsp;</div>",
    ],
)
def test_a_text_without_prose_is_in_every_language(code: str, text: str) -> None:
    assert wrong_language(text, LANGUAGES[code]) is None
    assert wrong_language(text, LANGUAGES[code], text) is None


@pytest.mark.parametrize("code", sorted(LANGUAGES))
@pytest.mark.parametrize(
    "name", ["ChatGPT", "New England Patriots", "Doctor Who: The Ultimate Adventure", "O'Neill-Smith"]
)
def test_names_may_stay_as_they_are_in_the_source(code: str, name: str) -> None:
    assert wrong_language(name, LANGUAGES[code], name) is None


@pytest.mark.parametrize(
    ("code", "word"), [("hr", "Da"), ("da", "hand"), ("nl", "water"), ("de", "Berlin"), ("it", "no")]
)
def test_a_word_is_too_short_to_tell(code: str, word: str) -> None:
    assert wrong_language(word, LANGUAGES[code]) is None


def test_english_words_and_quotations_inside_a_text_are_fine() -> None:
    nepali, source = "यो वाक्य सच्याउनुहोस्: ", "Correct this sentence: "
    long = '"He go to school every day. She were playing in the garden. They has eaten all of the apples."'
    for quotation in ("He go to school every day.", long):
        assert wrong_language(nepali + quotation, LANGUAGES["ne"], source + quotation) is None
    borrowed = "मलाई machine learning र deep learning मन पर्छ।"
    assert wrong_language(borrowed, LANGUAGES["ne"], "I like machine learning and deep learning.") is None
    danish = "Ordet “serendipity of the moment” er svært at oversætte til dansk."
    assert (
        wrong_language(danish, LANGUAGES["da"], "The words “serendipity of the moment” are hard to translate.") is None
    )


def test_english_with_a_word_changed_is_still_left_in_english() -> None:
    text = "The children are running in the garden behind the school."
    assert wrong_language(text, LANGUAGES["da"], ENGLISH[7]) == "in English"


@pytest.mark.parametrize("code", TARGETS)
def test_half_of_the_sentences_left_in_english_is_too_much(code: str) -> None:
    half = " ".join(SENTENCES[code][:5] + ENGLISH[5:])
    assert wrong_language(half, LANGUAGES[code], passage("en")) == "partly in English"
    assert wrong_language(half, LANGUAGES[code]) is not None


@pytest.mark.parametrize("code", TARGETS)
def test_one_sentence_in_ten_left_in_english_passes(code: str) -> None:
    text = " ".join(SENTENCES[code][:9] + ENGLISH[9:])
    assert wrong_language(text, LANGUAGES[code], passage("en")) is None


@pytest.mark.parametrize("source", [passage("es"), "Les enfants jouent dans le jardin.", "你好", "Пример"])
@pytest.mark.parametrize("text", ["Die Kinder spielen im Garten hinter der Schule.", passage("hi"), "你好", ENGLISH[7]])
def test_an_exercise_in_another_language_is_never_rejected(source: str, text: str) -> None:
    assert wrong_language(text, LANGUAGES["ne"], source) is None


@pytest.mark.parametrize(
    ("code", "text"), [("it", "Prepara la cena."), ("da", "Sita er tørstig."), ("fr", "Sita est malade.")]
)
def test_a_short_text_that_a_neighbour_may_have_written_passes(code: str, text: str) -> None:
    assert wrong_language(text, LANGUAGES[code]) is None


@pytest.mark.parametrize(
    ("target", "language", "number"), [("uk", "ru", 1), ("uk", "ru", 4), ("ne", "hi", 9), ("hi", "ne", 7)]
)
def test_one_sentence_in_a_close_language_is_found(target: str, language: str, number: int) -> None:
    assert wrong_language(SENTENCES[language][number], LANGUAGES[target]) == f"in {LANGUAGES[language].name}"


def test_an_english_source_excuses_nothing() -> None:
    assert (
        wrong_language("Die Kinder spielen im Garten.", LANGUAGES["da"], "The children play in the garden.")
        == "in German"
    )


def test_a_language_that_the_detector_does_not_know_is_judged_by_script_alone() -> None:
    unknown = replace(LANGUAGES["ne"], code="qqq", name="Unknown")
    assert wrong_language(passage("hi"), unknown) is None
    assert wrong_language(passage("ru"), unknown) == "in the wrong script"


def test_a_language_that_is_added_is_known_by_the_detector() -> None:
    norwegian = replace(LANGUAGES["da"], code="nb", name="Norwegian Bokmål")
    text = "Barna leker i hagen bak skolen, og jeg vet ikke hvorfor de ikke vil spise noe før de går hjem."
    assert wrong_language(text, norwegian) is None
    assert wrong_language(passage("sk"), norwegian) == "in Slovak"


def test_a_language_without_a_row_is_called_by_its_code() -> None:
    assert (
        wrong_language("Dzieci bawią się w ogrodzie za szkołą, bo dzisiaj nie ma lekcji.", LANGUAGES["sk"]) == "in pl"
    )


def test_chinese_beside_latin_letters_is_counted_by_characters() -> None:
    assert wrong_language("Sita渴了。", LANGUAGES["zh"]) is None
    assert wrong_language("DECnet是什么", LANGUAGES["zh"], "What is DECnet") is None


def test_vowel_signs_of_india_are_letters_of_their_words() -> None:
    """Words cut at their signs are in no language, and 17 letters are too few to tell them from Hindi."""
    assert wrong_language("मुलांनी विदेशी भाषा का शिकावी", LANGUAGES["mr"]) is None
    assert wrong_language("मुलांनी परदेशी भाषा का शिकावी याची कारणे द्या आणि तसे का ते लिहा", LANGUAGES["hi"]) == "in Marathi"


def test_broken_text_does_no_harm() -> None:
    assert wrong_language("\ud800\udfff\x00" * 20, LANGUAGES["ne"]) is None
    assert wrong_language(passage("ne") + "\ud800", LANGUAGES["ne"]) is None
    assert wrong_language("a" * 200_000, LANGUAGES["ne"]) == "in the wrong script"


def test_a_huge_text_is_judged() -> None:
    assert wrong_language(passage("da") * 200, LANGUAGES["da"], passage("en") * 200) is None
    assert wrong_language(passage("en") * 200, LANGUAGES["da"], passage("en") * 200) == "in English"


def test_threads_load_one_model_and_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    language_detection._load.cache_clear()
    texts = [(text, LANGUAGES[code]) for code in TARGETS for text in SENTENCES["ne"] + SENTENCES["hr"]]
    with ThreadPoolExecutor(8) as pool:
        threaded = list(pool.map(lambda pair: wrong_language(*pair), texts))
    assert language_detection._load.cache_info().misses == 1
    assert threaded == [wrong_language(*pair) for pair in texts]


def test_the_network_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("asked for the network")

    monkeypatch.setattr(socket, "socket", refuse)
    language_detection._load.cache_clear()
    assert wrong_language(passage("ne"), LANGUAGES["hi"]) == "in Nepali"


@pytest.mark.parametrize("code", ["ne", "de", "zh"])
def test_a_short_sentence_left_as_it_was_is_in_english(code: str) -> None:
    assert wrong_language("The sum is 5.", LANGUAGES[code], "The sum is 5.") == "in English"
    assert wrong_language("The Lord of the Rings", LANGUAGES[code], "The Lord of the Rings") is None
    assert wrong_language("canis, feles", LANGUAGES[code], "canis, feles") is None


def test_english_is_found_for_a_language_that_the_detector_does_not_know() -> None:
    tibetan = replace(LANGUAGES["ne"], code="bo", name="Tibetan", script="TIBETAN")
    text = "The river is long and it is deep. Nobody knows who swam in it."
    assert wrong_language(text, tibetan, text) == "in English"
    assert wrong_language("ཆུ་བོ་རིང་པོ་རེད།", tibetan, text) is None
