"""Root verbs and their objects as Self-Instruct reads them: from spaCy's dependency parse (an optional extra)."""

from collections.abc import Iterable, Iterator
from typing import Any

from okapi_kedro.errors import UserError
from okapi_kedro.text.verb_objects import VerbObject

_OBJECTS = ("dobj", "obj")
"""A direct object in the scheme of spaCy's English models, and in Universal Dependencies."""


def spacy_verb_objects(instructions: Iterable[str], model: str) -> Iterator[VerbObject | None]:
    """The root verb of each instruction's first sentence with its direct object, None where the root is no verb.

    Unlike the parser by rules, it reads questions too: in `How do I bake bread?` it finds (bake, bread).

    Args:
        instructions: texts in English.
        model: an installed spaCy model with a tagger and a parser, or a directory with one.

    Raises:
        UserError: when spaCy or the model is not installed, or the model does not parse.
    """
    return map(_root_and_object, _loaded(model).pipe(instructions))


def _loaded(model: str) -> Any:
    try:
        import spacy  # noqa: PLC0415  # an extra that few install
    except ImportError as error:
        raise UserError(
            "instruction_verbs.parser is spacy, which is not installed: pip install 'okapi-kedro[spacy]', "
            "or set instruction_verbs.parser=rules"
        ) from error
    try:
        parse = spacy.load(model)
    except OSError as error:
        raise UserError(
            f"instruction_verbs.spacy_model: no spaCy model {model!r} is installed: python -m spacy download {model}, "
            "or set instruction_verbs.parser=rules"
        ) from error
    probe = parse("Write a poem.")
    if not (probe.has_annotation("DEP") and probe.has_annotation("POS")):
        raise UserError(f"instruction_verbs.spacy_model: {model!r} has no tagger or no parser; name one with both")
    return parse


def _root_and_object(document: Any) -> VerbObject | None:
    sentence = next(iter(document.sents), None)
    if sentence is None or sentence.root.pos_ != "VERB":
        return None
    root = sentence.root
    nouns = (child.lemma_.lower() for child in root.children if child.dep_ in _OBJECTS and child.pos_ == "NOUN")
    return VerbObject(root.lemma_.lower(), next(nouns, ""))
