"""Root verbs and their objects: every case is a sentence of our own with the reading of a person."""

import pytest

from okapi_kedro.text.english_words import IMPERATIVES, singular
from okapi_kedro.text.verb_objects import verb_object

PAIRS = {
    "Write a short poem about the sea.": "write poem",
    "List the rivers of Peru": "list river",
    "Give me a list of 5 animals that can swim": "give list",
    "Show us three photos taken in winter": "show photo",
    "Suggest ways to save water at home.": "suggest way",
    # openings
    "Given the list, sort the words": "sort word",
    "Given a sentence and a word, replace the first noun by the word.": "replace noun",
    "In one sentence, define the law of Ohm.": "define law",
    "Using these three colours, paint a house": "paint house",
    "If the number is even, print the letter E.": "print letter",
    "Please write a letter to the mayor": "write letter",
    "Could you please find the error in this proof?": "find error",
    "Quickly edit the text below.": "edit text",
    'Given the words "red" and "blue," write a rhyme.': "write rhyme",
    "Deploy the new version.": "deploy version",
    "Clean up the following paragraph": "clean paragraph",
    "Re-write the joke for children": "re-write joke",
    # noun phrases
    "Describe the cat's favourite toy": "describe toy",
    "Name the dog owners' rights": "name right",
    "Compare the cat's and dog's tails": "compare tail",
    "Design a machine learning model for rain": "design model",
    "Compute the sum of 3.5 and 4": "compute sum",
    "Write at least two to three sentences on bees": "write sentence",
    "Identify the red, round and sweet fruits": "identify fruit",
    "Explain the positive and negative effects of salt.": "explain effect",
    "Compare Greek and Roman temples": "compare temple",
    "List the US states with a coast": "list state",
    "Create a C++ program that sleeps": "create program",
    "Generate a one-line summary": "generate summary",
    "Explain the word “serendipity” to a child": "explain word",
    "Find a person responsible for the fire": "find person",
    "Rewrite the essay more politely": "rewrite essay",
    # what follows a noun
    "Tell a story beginning with a storm": "tell story",
    "Name three diseases caused by fungi": "name disease",
    "Write a well written review": "write review",
    "Give an example of irony": "give example",
    "Write an essay comparing two plays": "write essay",
    "Name a thing you can eat": "name thing",
    # coordination and particles
    "Compare and contrast the novels of two friends": "compare novel",
    "Read, shorten and print the letter": "read letter",
    "Research and briefly summarize the law": "research law",
    "Make up a rhyme for orange": "make rhyme",
    "Put together a plan for the week": "put plan",
    # titles and Unicode
    "Write A Letter To The Editor": "write letter",
    "Décris the café": "décris café",
    "Translate this naïve phrase": "translate phrase",
}  # fmt: skip

NO_OBJECT = {
    "Please, can you explain how rain forms": "explain",
    "Explain why the sky is blue": "explain",
    "Tell me what you ate": "tell",
    "Come up with a title": "come",
    "Differentiate between a frog and a toad": "differentiate",
    "Rephrase it politely": "rephrase",
    "Describe Mars": "describe",
    "Summarize The Old Man and the Sea": "summarize",
    'Translate "good night" into Thai': "translate",
    "Calculate 17 + 18.": "calculate",
    "Sort ascending: 3, 1, 2": "sort",
    "Evaluate the following: 2 + 2": "evaluate",
    "Write": "write",
}

NO_REQUEST = [
    "What is the capital of Peru?",
    "How do I bake bread?",
    "Is 7 a prime number?",
    "You are a poet. Write a poem.",
    "The list is long",
    "Sentiment analysis",
    "Name: Anna",
    "Answer of the week",
    "",
    "   ",
    "\n\n",
    "?!",
    "12345",
    "请写一首诗。",
    "اكتب قصيدة عن البحر",
    "😀 😀",
]


@pytest.mark.parametrize(("instruction", "pair"), PAIRS.items())
def test_a_request_is_its_verb_and_the_head_of_its_object(instruction: str, pair: str) -> None:
    assert verb_object(instruction) == tuple(pair.split())


@pytest.mark.parametrize(("instruction", "verb"), NO_OBJECT.items())
def test_clauses_names_pronouns_and_numbers_are_no_objects(instruction: str, verb: str) -> None:
    assert verb_object(instruction) == (verb, "")


@pytest.mark.parametrize("instruction", NO_REQUEST)
def test_what_asks_for_nothing_has_no_verb(instruction: str) -> None:
    assert verb_object(instruction) is None


def test_only_the_first_sentence_is_read() -> None:
    assert verb_object("Read the poem. Then write a reply.") == ("read", "poem")
    assert verb_object("Read the poem\nWrite a reply") == ("read", "poem")


@pytest.mark.parametrize(
    "part", ["a", "a-", "a'", "and ", ", ", "can you ", "please ", "3 to ", "given, ", "<b>", "\u200b"]
)
def test_long_and_monotonous_texts_are_read_like_others(part: str) -> None:
    assert verb_object(part * 200_000) is None or verb_object(part * 200_000).object == ""  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("plural", "noun"),
    [
        ("stories", "story"),
        ("movies", "movie"),
        ("boxes", "box"),
        ("classes", "class"),
        ("houses", "house"),
        ("churches", "church"),
        ("headaches", "headache"),
        ("heroes", "hero"),
        ("shoes", "shoe"),
        ("children", "child"),
        ("hypotheses", "hypothesis"),
        ("sizes", "size"),
        ("lives", "life"),
        ("news", "news"),
        ("class", "class"),
        ("virus", "virus"),
        ("analysis", "analysis"),
        ("bus", "bus"),
        ("gas", "gas"),
        ("data", "data"),
        ("", ""),
    ],
)
def test_plurals_become_singular(plural: str, noun: str) -> None:
    assert singular(plural) == noun


def test_the_verbs_are_in_their_base_form() -> None:
    assert not [
        verb for verb in IMPERATIVES if verb.endswith(("ing", "ed")) and verb not in ("spring", "bring", "embed")
    ]
