"""The languages of the paper (table 1) and English, one row each; adding a language is adding a row."""

from dataclasses import dataclass
from typing import Literal

ResourceClass = Literal["high", "medium", "low"]


@dataclass(frozen=True)
class Language:
    """One language and the facts of the paper's table 1.

    Args:
        code: ISO 639-1 code, also the namespace of the language's nodes and datasets.
        name: English name, as it stands in prompts to the teacher.
        script: Unicode name of the script the language is usually written in.
        population: speakers in millions; None for English, which table 1 leaves out.
        commoncrawl: share of CommonCrawl's pages in percent; None for English.
        resource_class: the paper's class by that share: high > 1 %, medium > 0.1 %, low otherwise.
        llama: whether the paper also runs LLaMA on it (BLOOM runs on all).
    """

    code: str
    name: str
    script: str
    population: int | None
    commoncrawl: float | None
    resource_class: ResourceClass
    llama: bool


_TABLE: tuple[Language, ...] = (
    Language("en", "English", "LATIN", None, None, "high", True),
    Language("ru", "Russian", "CYRILLIC", 258, 5.9692, "high", True),
    Language("de", "German", "LATIN", 134, 5.8811, "high", True),
    Language("zh", "Chinese", "CJK", 1118, 4.8747, "high", False),
    Language("fr", "French", "LATIN", 274, 4.7254, "high", True),
    Language("es", "Spanish", "LATIN", 548, 4.4690, "high", True),
    Language("it", "Italian", "LATIN", 68, 2.5712, "high", True),
    Language("nl", "Dutch", "LATIN", 30, 2.0585, "high", True),
    Language("vi", "Vietnamese", "LATIN", 85, 1.0299, "high", False),
    Language("id", "Indonesian", "LATIN", 199, 0.7991, "medium", False),
    Language("ar", "Arabic", "ARABIC", 274, 0.6658, "medium", False),
    Language("hu", "Hungarian", "LATIN", 17, 0.6093, "medium", True),
    Language("ro", "Romanian", "LATIN", 29, 0.5637, "medium", True),
    Language("da", "Danish", "LATIN", 6, 0.4301, "medium", True),
    Language("sk", "Slovak", "LATIN", 7, 0.3777, "medium", True),
    Language("uk", "Ukrainian", "CYRILLIC", 33, 0.3304, "medium", True),
    Language("ca", "Catalan", "LATIN", 10, 0.2314, "medium", True),
    Language("sr", "Serbian", "CYRILLIC", 12, 0.2205, "medium", True),
    Language("hr", "Croatian", "LATIN", 14, 0.1979, "medium", True),
    Language("hi", "Hindi", "DEVANAGARI", 602, 0.1588, "medium", False),
    Language("bn", "Bengali", "BENGALI", 272, 0.0930, "low", False),
    Language("ta", "Tamil", "TAMIL", 86, 0.0446, "low", False),
    Language("ne", "Nepali", "DEVANAGARI", 25, 0.0304, "low", False),
    Language("ml", "Malayalam", "MALAYALAM", 36, 0.0222, "low", False),
    Language("mr", "Marathi", "DEVANAGARI", 99, 0.0213, "low", False),
    Language("te", "Telugu", "TELUGU", 95, 0.0183, "low", False),
    Language("kn", "Kannada", "KANNADA", 64, 0.0122, "low", False),
)

LANGUAGES: dict[str, Language] = {language.code: language for language in _TABLE}

JOINT = "multi"
"""The namespace of a model that learns several languages at once; no language, but named where one is."""

NAMESPACES = (*LANGUAGES, JOINT)
"""What a node's namespace may begin with."""


class UnknownLanguageError(ValueError):
    """A language code that no row of the table has."""

    def __init__(self, code: str) -> None:
        super().__init__(f"unknown language {code!r}; known: {', '.join(sorted(LANGUAGES))}, all, or {JOINT}")


def parse_languages(text: str) -> tuple[str, ...]:
    """Language codes named by `ne`, `ne+vi` or `all`, in the order given and without repeats; `multi` is kept as it is.

    Raises:
        UnknownLanguageError: for a code that is not in the table; codes are lower case.
    """
    named = [code.strip() for code in text.split("+")]
    for code in named:
        if code not in (*NAMESPACES, "all"):
            raise UnknownLanguageError(code)
    return tuple(dict.fromkeys(code for name in named for code in (LANGUAGES if name == "all" else [name])))
