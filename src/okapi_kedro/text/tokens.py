"""The words that texts are compared by."""

import re
import unicodedata
from collections.abc import Callable

import regex

Tokenizer = Callable[[str], list[str]]

_LATIN_WORD = re.compile(r"[a-z0-9]+")
# Scripts that leave no space between words: a character with its marks is a token. In all others marks belong to the
# word, which Indic vowel signs would otherwise break.
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_WORD = regex.compile(rf"(?V1)[\p{{L}}\p{{N}}&&{_UNSPACED}]\p{{M}}*|[[\p{{L}}\p{{M}}\p{{N}}]--{_UNSPACED}]+")


def rouge_tokens(text: str) -> list[str]:
    """The words that rouge_score's default tokenizer finds: a-z and 0-9 in lower case, no stemmer."""
    return _LATIN_WORD.findall(text.lower())


def unicode_tokens(text: str) -> list[str]:
    """The words of a text in any script, without regard to case; in a script without spaces, its characters.

    rouge_score's own tokenizer knows only a-z and 0-9: to it all sentences in Nepali are empty, and all those whose
    only digits are "2015" are equal.
    """
    words: list[str] = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return words
