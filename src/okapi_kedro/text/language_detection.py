"""Whether a text is in the language it should be in: by its script, and where letters do not tell, by py3langid.

Only what says something of the language is judged: not code, addresses, numbers, and not words that the source has too,
which are names more often than not. `benchmarks/language_detection.py` prints the figures behind the constants.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from string import ascii_letters
from threading import Lock

import regex
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from okapi_kedro.languages import LANGUAGES, Language
from okapi_kedro.text.close_languages import close_language
from okapi_kedro.text.scripts import in_script

MIN_LETTERS = 12
"""Texts with fewer letters are judged by script alone: of good ones of 8 to 11 letters, 1.7 % would be rejected."""
LONG_LETTERS = 25
"""From so many letters on, another language than English need not be surer than English."""
ODDS = 5
"""How many times likelier English, or in a long text any language, must be than the target: 0.2 % of good texts
of 25 to 40 letters are rejected, none of more than 80, and 97 % of English ones of 25 to 100 letters are found."""
SHORT_ODDS = 20
"""The same for other languages than English in a short text; with 5, one good text in 50 is taken for a neighbour's."""
ENGLISH_SHARE = 0.4
"""Sentences left in English may have less than this share of a text's letters; chosen, not measured."""
NEW_SHARE = 0.2
"""A sentence with a larger share of words that the source does not have was translated; chosen, not measured."""
LETTERS_PER_HAN = 3
"""XQuAD's Chinese passages have one character where the English ones have 3 letters."""
UNUSED_CLASSES = {"zxx", "wuu", "yue"}
"""Classes of the detector that are no language, but markup and numbers, or are written like Chinese."""

_NOT_PROSE = re.compile(
    r"```.*?```|`[^`\n]+`|(?:https?://|www\.)\S+|(?<!\S)[^\s@]+@\S+|#\w+|<[^<>\n]+>|&#?\w+;", re.DOTALL
)
# What a colon introduces is quoted too: `Correct this sentence: He go to school.`
_QUOTED = re.compile(r'"[^"\n]+"|“[^”\n]+”|„[^“”\n]+[“”]|«[^»\n]+»|「[^」\n]+」|(?<=:)[^\n.!?。！？।"“„«「]+')
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s|(?<=[。！？।])|\n")
# Marks belong to words: re's \w leaves out the vowel signs of India's scripts. Chinese may touch Latin letters.
_WORD = regex.compile(r"\p{Han}+|[\p{L}--\p{Han}][[\p{L}--\p{Han}]\p{M}\u200c\u200d'’\-]*", regex.VERSION1)
_HAN = regex.compile(r"\p{Han}")
_ENGLISH = (
    "a an and are as at be but by can did do does for from had has have he her his how i if in is it its my not of on "
    "or our she that the their then there these they this those to was we were what when which who will with would you "
)
_FUNCTION_WORDS = frozenset(_ENGLISH.split())
_DETECTOR_CODES = {"nb": "no"}
_LOADING = Lock()
_word_in_script = lru_cache(1 << 15)(in_script)
"""Most words come again and again."""


def wrong_language(text: str, target: Language, source: str = "") -> str | None:
    """Why a text is not in the target language, or None where it is, or where that cannot be told.

    Args:
        text: a field of a row, from one word to a page.
        target: the language it should be in; one that the detector does not know is judged by script.
        source: the English text that it was made from. A source that is itself in another language belongs to an
            exercise in translation, whose texts may be in any language.

    Returns:
        `in English`, `partly in English`, `in Hindi`, `in the wrong script` ...; a language without a row in the table
        is called by its code.
    """
    prose = _NOT_PROSE.sub(" ", text)
    known = {word.casefold() for word in _WORD.findall(source)}
    reason = _judge_new_words(prose, target, known) or _judge_kept_sentences(prose, target, known)
    return None if reason is None or _is_foreign(source) else reason


def _judge_new_words(prose: str, target: Language, known: set[str]) -> str | None:
    """Judges the words that are not in the source, and no variables of a formula."""
    variables = set(ascii_letters)
    words = [word for word in _WORD.findall(prose) if word.casefold() not in known and word not in variables]
    fitting = [word for word in words if _word_in_script(word, target.script)]
    if 2 * _letters(fitting) < _letters(words):
        return "in English" if _other_language(words, target) == "en" else "in the wrong script"
    other = _other_language(fitting, target) or close_language(fitting, target.code)
    return other and f"in {LANGUAGES[other].name if other in LANGUAGES else other}"


def _judge_kept_sentences(prose: str, target: Language, known: set[str]) -> str | None:
    """Judges the sentences that are as they were in the source, other than quotations."""
    unquoted = _QUOTED.sub(" ", prose)
    text = unquoted if _WORD.search(unquoted) else prose
    sentences = [_WORD.findall(sentence) for sentence in _SENTENCE_END.split(text)]
    kept = [words for words in sentences if _is_kept(words, known)]
    english = sum(_letters(words) for words in kept if _is_english(words, target, known))
    total = sum(map(_letters, sentences))
    if english < max(1, ENGLISH_SHARE * total):
        return None
    return "in English" if english == total else "partly in English"


def _is_kept(words: Sequence[str], known: set[str]) -> bool:
    """Whether a sentence is the source's, or, if there is none, may be; one of names, in capitals, rightly stays."""
    uncapitalised = sum(word[0].islower() for word in words)
    new = sum(word.casefold() not in known for word in words)
    return 2 * uncapitalised >= len(words) > 0 and (not known or new <= NEW_SHARE * len(words))


def _is_english(words: Sequence[str], target: Language, known: set[str]) -> bool:
    """Whether a kept sentence is English: short ones, and languages that the detector does not know, go by one word."""
    by_a_word = known and not _FUNCTION_WORDS.isdisjoint(word.casefold() for word in words)
    return bool(by_a_word) or _other_language(words, target) == "en"


def _is_foreign(source: str) -> bool:
    """Whether the source is surely not in English."""
    words, english = _WORD.findall(_NOT_PROSE.sub(" ", source)), LANGUAGES["en"]
    return not in_script("".join(words), english.script) or _other_language(words, english) is not None


def _other_language(words: Sequence[str], target: Language) -> str | None:
    """The code of the language that the words are surely in instead of the target."""
    letters = _letters(words)
    if letters < MIN_LETTERS:
        return None
    likelihoods: dict[str, float] = dict(_identifier().rank(" ".join(words)))
    expected = likelihoods.get(_DETECTOR_CODES.get(target.code, target.code))
    if expected is None:
        return None
    best = next(iter(likelihoods))
    if likelihoods[best] > (ODDS if letters >= LONG_LETTERS else SHORT_ODDS) * expected:
        return best
    return "en" if likelihoods["en"] > ODDS * expected else None


def _letters(words: Sequence[str]) -> int:
    """How many letters these are; a Chinese character says as much as LETTERS_PER_HAN of them."""
    letters = "".join(words)
    return sum(map(str.isalpha, letters)) + (LETTERS_PER_HAN - 1) * len(_HAN.findall(letters))


def _identifier() -> LanguageIdentifier:
    """The detector, which is loaded by the first thread that needs it."""
    with _LOADING:
        return _load()


@cache
def _load() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([code for code in identifier.labels if code not in UNUSED_CLASSES])
    return identifier
