"""What an English instruction asks to do, and to what: its root verb and the noun that is the verb's direct object.

`Write a short poem about the sea` is (write, poem). Read by word lists and word order, without a language model, and
only from the first sentence. A question asks to do nothing.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from okapi_kedro.text.english_words import (
    ADJECTIVES,
    AUXILIARIES,
    CLAUSE_OPENERS,
    CONJUNCTIONS,
    DETERMINERS,
    IMPERATIVES,
    INDIRECT_OBJECTS,
    LATE_ADVERBS,
    NUMBERS,
    PARTICLES,
    POLITE_OPENERS,
    PREPOSITIONS,
    PRONOUNS,
    like_adjective,
    like_adverb,
    like_participle,
    singular,
)

LONGEST = 400
"""Characters that are read; the verb and its object stand at the beginning."""

_CLOSED = PREPOSITIONS | CLAUSE_OPENERS | CONJUNCTIONS | AUXILIARIES | DETERMINERS | PRONOUNS | NUMBERS
_NUMBER = r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty)"
_AMOUNT = re.compile(
    r"\b(?:at least|at most|up to|no more than|more than|less than|fewer than|about|around|exactly|approximately) "
    rf"(?={_NUMBER}\b)"
)
_RANGE = re.compile(rf"\b{_NUMBER}(?: ?[-–] ?| to | or )(?={_NUMBER}\b)")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s|\n")
_TOKEN = re.compile(r"C\+\+|C#|\d[\d.,]*\w*(?:-\w+)*|\w+(?:[-’']\w+)*[’']?(?=\s|[.,;:!?]|$)|\w+(?:[-’']\w+)*|[^\w\s]")
_POSSESSIVE = re.compile(r"(?:['’]s|s['’])$")
_WORD = re.compile(r"[^\W\d]")


class VerbObject(NamedTuple):
    """A root verb and the noun that is its direct object.

    Args:
        verb: in its base form and lower case.
        object: singular and lower case; empty where the verb has none, as in `explain why it rains`.
    """

    verb: str
    object: str


def verb_object(instruction: str) -> VerbObject | None:
    """The verb and the object of an instruction's first sentence, or None where it is no request.

    Proper names and pronouns are no objects; of coordinated verbs or objects the first is taken.
    """
    tokens = _first_sentence(instruction)
    place = _root(tokens)
    if place is None:
        return None
    return VerbObject(tokens[place].lower(), _object(tokens, _after_coordinated_verbs(tokens, place)))


def _first_sentence(instruction: str) -> list[str]:
    sentence = _SENTENCE_END.split(instruction[:LONGEST].strip(), maxsplit=1)[0]
    tokens = _TOKEN.findall(_RANGE.sub("", _AMOUNT.sub("", sentence)))
    return [token.lower() for token in tokens] if _titled(tokens) else tokens


def _titled(tokens: Sequence[str]) -> bool:
    """Whether every word is capitalised, an article or the like too, so that capitals mark no names."""
    words = [token for token in tokens if _WORD.match(token)]
    return all(word[0].isupper() for word in words) and any(word.lower() in _CLOSED for word in words[1:])


def _root(tokens: Sequence[str]) -> int | None:
    """Where the imperative stands: first, after `please` or `can you`, or at a comma after `given ...`, `in ...`."""
    start = _after_politeness(tokens)
    if _is_imperative(tokens, start):
        return start
    opening = tokens[start].lower() if start < len(tokens) else ""
    if not (opening in PREPOSITIONS or opening in ("given", "if", "when") or opening.endswith("ing")):
        return None
    commas = [place + 1 for place, token in enumerate(tokens) if token in (",", ":") and place > start]
    starts = [_after_politeness(tokens, place) for place in commas]
    return next((place for place in starts if _is_imperative(tokens, place)), None)


def _after_politeness(tokens: Sequence[str], place: int = 0) -> int:
    """The place after words such as `please`, `quickly`, `could you`."""
    while place < len(tokens):
        word, following = tokens[place].lower(), _next(tokens, place)
        if word in ("can", "could", "would", "will") and following == "you":
            place += 2
        elif word in POLITE_OPENERS or like_adverb(word) or (word in ',”"' and place):
            place += 1
        else:
            break
    return place


def _is_imperative(tokens: Sequence[str], place: int) -> bool:
    """Whether the word is a verb of the list, or any word before a determiner that can be a verb."""
    if place >= len(tokens) or not _WORD.match(tokens[place]):
        return False
    word = _plain(tokens[place])
    following = _next(tokens, place)
    if word in IMPERATIVES:
        return following not in (*AUXILIARIES, ":", "of")
    if following in PARTICLES:
        following = _next(tokens, place + 1)
    return following in DETERMINERS and word not in _CLOSED and not like_participle(word) and not like_adjective(word)


def _next(tokens: Sequence[str], place: int) -> str:
    return tokens[place + 1].lower() if place + 1 < len(tokens) else ""


def _plain(verb: str) -> str:
    """A verb as the list has it: `Re-write` is `rewrite`."""
    return verb.lower().replace("re-", "re", 1)


def _after_coordinated_verbs(tokens: Sequence[str], place: int) -> int:
    """The place after the root and after verbs that share its object: `compare and contrast`, `read, edit and`."""
    after = place + 1
    while after + 1 < len(tokens) and (tokens[after].lower() in CONJUNCTIONS or tokens[after] in (",", "/")):
        following = _after_politeness(tokens, after + 1)
        if not _is_imperative(tokens, following):
            break
        after = following + 1
    return after


def _object(tokens: Sequence[str], start: int) -> str:
    """The head noun of the noun phrase that begins after the verb: its last noun before anything that ends a phrase."""
    head = ""
    names_end = False
    for place in range(_phrase_start(tokens, start), len(tokens)):
        token, word = tokens[place], tokens[place].lower()
        if word in CONJUNCTIONS or token in (",", "/"):
            if head or not _goes_on(tokens, place):
                break
            continue
        if not (_WORD.match(token) or token[0].isdigit()) or _ends_phrase(tokens, place, head):
            break
        names_end = names_end or word in ("a", "an")
        if _is_noun(tokens, place) and (names_end or not token[0].isupper()):
            head = word
    return singular(head)


def _phrase_start(tokens: Sequence[str], start: int) -> int:
    """The place after a particle and after the person who is told or given something."""
    words = [token.lower() for token in tokens[start : start + 2]]
    skipped = bool(words) and (words[0] in PARTICLES or words[0] in INDIRECT_OBJECTS)
    return start + skipped


def _goes_on(tokens: Sequence[str], place: int) -> bool:
    """Whether a noun may still follow a comma or an `and`: only adjectives or names stood before it."""
    following = _next(tokens, place)
    return following in ADJECTIVES or (following not in DETERMINERS and following not in IMPERATIVES)


def _ends_phrase(tokens: Sequence[str], place: int, head: str) -> bool:
    word = tokens[place].lower()
    if word in PREPOSITIONS or word in CLAUSE_OPENERS:
        return bool(head) or word not in ADJECTIVES
    if word in AUXILIARIES or (word in PRONOUNS and tokens[place] not in ("US", "IT")):
        return True
    if not head:
        return False
    if word in DETERMINERS or word in LATE_ADVERBS or like_adverb(word):
        return True
    return (like_participle(word) or like_adjective(word)) and not _noun_follows(tokens, place)


def _noun_follows(tokens: Sequence[str], place: int) -> bool:
    """Whether the next word is one that a participle can describe: `a well written story`, not `a story written by`."""
    following = _next(tokens, place)
    return (
        bool(_WORD.match(following))
        and following not in _CLOSED
        and following not in LATE_ADVERBS
        and not like_adverb(following)
    )


def _is_noun(tokens: Sequence[str], place: int) -> bool:
    """Whether the word can be the head: no determiner, number, adverb, possessive or mere adjective."""
    token, word = tokens[place], tokens[place].lower()
    if word in DETERMINERS or word in NUMBERS or word in ADJECTIVES or token[0].isdigit() or like_adverb(word):
        return False
    if len(word) == 1 or _POSSESSIVE.search(token):
        return False
    if like_adjective(word) or like_participle(word):
        return not _noun_follows(tokens, place) and not _coordinated(tokens, place)
    return True


def _coordinated(tokens: Sequence[str], place: int) -> bool:
    """Whether an `and` or a comma comes next, so that an adjective waits for the noun it shares."""
    following = _next(tokens, place)
    return following in CONJUNCTIONS or following == ","
