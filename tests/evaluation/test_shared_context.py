"""Log-likelihoods and greedy flags are HFLM's own, with every context fed to the model once."""

import random
from typing import Any

import pytest
import torch
from lm_eval.models.huggingface import HFLM
from tokenizers import Tokenizer, models, pre_tokenizers
from toy_models import CLASSES, byte_tokenizer, random_model, requests_for
from transformers import PreTrainedTokenizerFast

from okapi_kedro.errors import UserError
from okapi_kedro.evaluation.shared_context import SharedContextLM, common_prefix, shared_contexts

WORDS = ["der", "Hund", "läuft", "schnell", "über", "नेपाल", "को", "漢字", "und", "Feuer", "17", "Wasser"]
SHOTS = "Frage: Was ist nass?\nAntwort: Wasser\n\nFrage: Was brennt?\nAntwort: Feuer\n\n"


def words(draw: random.Random, fewest: int, most: int) -> str:
    return " ".join(draw.choices(WORDS, k=draw.randint(fewest, most)))


def questions(shots: str, seed: int) -> list[tuple[str, str]]:
    """Contexts of very different lengths with two to five options, some of a single token, in no order."""
    draw = random.Random(seed)
    pairs = []
    for _ in range(25):
        context = f"{shots}Frage: {words(draw, 1, 25)}\nAntwort:"
        options = [f" {words(draw, 1, 6)}" for _ in range(draw.randint(1, 4))]
        pairs += [(context, option) for option in [*options, draw.choice("ABCD")]]
    draw.shuffle(pairs)
    return pairs


def both(architecture: str, tokenizer: Any = None, batch_size: int = 4, longest: int = 2048, **more: Any) -> Any:
    """lm-eval's model and ours around the same weights."""
    settings = {
        "pretrained": random_model(architecture),
        "tokenizer": tokenizer or byte_tokenizer(longest),
        "backend": "causal",
        "batch_size": batch_size,
        "max_length": longest,
        "softmax_dtype": "float32",
        "add_bos_token": False,
        **more,
    }
    return HFLM(**settings), SharedContextLM(**settings)


def assert_equal_answers(theirs: HFLM, ours: SharedContextLM, pairs: list[tuple[str, str]]) -> list[bool]:
    """Log-likelihoods within 1e-4 and the same flags, which are returned."""
    expected, answers = (each.loglikelihood(requests_for(*pairs), disable_tqdm=True) for each in (theirs, ours))
    assert [value for value, _ in answers] == pytest.approx([value for value, _ in expected], abs=1e-4)
    assert [greedy for _, greedy in answers] == [greedy for _, greedy in expected]
    return [greedy for _, greedy in answers]


@pytest.mark.parametrize("shots", ["", SHOTS], ids=["no shots", "common shots"])
@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize("architecture", CLASSES)
def test_the_numbers_are_hflms(architecture, batch_size, shots):
    assert_equal_answers(*both(architecture, batch_size=batch_size), questions(shots, 1))


@pytest.mark.parametrize("architecture", CLASSES)
def test_a_context_that_is_too_long_loses_the_same_tokens(architecture):
    pairs = questions(SHOTS, 2)
    lengths = [len((context + option).encode()) for context, option in pairs]
    longest = sorted(lengths)[len(lengths) // 2]
    assert min(lengths) <= longest < max(lengths) - 50
    assert_equal_answers(*both(architecture, longest=longest), pairs)


@pytest.mark.parametrize("architecture", CLASSES)
def test_the_very_last_token_of_an_option_needs_no_room(architecture):
    theirs, ours = both(architecture, longest=20)
    fitting, over = ("x" * 15, "y" * 6), ("x" * 16, "y" * 6)
    assert_equal_answers(theirs, ours, [fitting, over, ("x" * 9, "z" * 20)])
    kept = [(context.tokens, context.cut) for context in shared_contexts([([1, 2, 3], [4] * 2)], 3)]
    assert kept == [((2, 3), True)]
    assert not shared_contexts([([1, 2], [4] * 2)], 3)[0].cut


@pytest.mark.parametrize("architecture", CLASSES)
def test_an_empty_context_is_the_end_token(architecture):
    assert_equal_answers(*both(architecture), [("", " Wasser"), ("", "x"), *questions("", 3)])


@pytest.mark.parametrize("architecture", CLASSES)
def test_spaces_that_end_a_context_belong_to_its_options(architecture):
    assert_equal_answers(*both(architecture), [("Was ist nass?  ", "Wasser"), ("Was ist nass?  ", " Feuer")])


def merging_tokenizer() -> PreTrainedTokenizerFast:
    """Letters, and a token for `bc`, so that a context that ends in b has other tokens with an option after it."""
    vocabulary = {letter: place for place, letter in enumerate(["a", "b", "c", "d", "bc", "</s>"])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [("b", "c")]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>", pad_token="</s>")


@pytest.mark.parametrize("architecture", CLASSES)
def test_options_may_change_the_tokens_of_their_context(architecture):
    theirs, ours = both(architecture, merging_tokenizer())
    # `ab` + `cd` is a bc d: after the two tokens of the context one is left for the option.
    assert ours._encode_pair("ab", "cd") == ([0, 1], [3])
    assert_equal_answers(theirs, ours, [("ab", "cd"), ("ab", "dd"), ("ab", "d"), ("aab", "cda")])


@pytest.mark.parametrize("architecture", CLASSES)
def test_the_greedy_flag_is_set_for_what_greedy_decoding_writes(architecture):
    theirs, ours = both(architecture)
    pairs = []
    for context in ("Was ist nass?", "Was", SHOTS):
        ids = torch.tensor([ours.tok_encode(context)])
        written = ids
        for _ in range(3):
            written = torch.cat([written, ours.model(written).logits[:, -1].argmax(-1, keepdim=True)], dim=1)
        tokens = written[0, ids.shape[1] :].tolist()
        other = [*tokens[:-1], (tokens[-1] + 1) % 256]
        pairs += [((context, str(option)), ids[0].tolist(), option) for option in (tokens, tokens[:1], other)]
    expected, answers = (each._loglikelihood_tokens(pairs, disable_tqdm=True) for each in (theirs, ours))
    assert [greedy for _, greedy in answers] == [greedy for _, greedy in expected] == [True, True, False] * 3


@pytest.mark.parametrize("architecture", CLASSES)
def test_long_contexts_go_in_pieces(architecture, monkeypatch):
    monkeypatch.setattr("okapi_kedro.evaluation.shared_context.PIECE", 16)
    assert_equal_answers(*both(architecture), questions(SHOTS, 4))


def test_the_softmax_is_taken_in_float32_where_the_model_is_in_bfloat16():
    theirs, ours = both("llama", pretrained=random_model("llama").bfloat16())
    requests = requests_for(*questions(SHOTS, 5))
    expected, answers = (each.loglikelihood(requests, disable_tqdm=True) for each in (theirs, ours))
    # a bfloat16 has 8 bits: sums of such numbers would be multiples of a quarter beyond 32
    assert any(value * 4 % 1 for value, _ in answers if value < -32)
    assert [value for value, _ in answers] == pytest.approx([value for value, _ in expected], rel=0.02)


def fed_tokens(model: Any, pairs: list[tuple[str, str]]) -> int:
    """Tokens that go through the model, padding among them."""
    fed = []
    hook = model.model.get_input_embeddings().register_forward_hook(lambda _, inputs, __: fed.append(inputs[0].numel()))
    model.loglikelihood(requests_for(*pairs), disable_tqdm=True)
    hook.remove()
    return sum(fed)


def test_shots_go_through_the_model_once_for_all_questions_and_a_context_once_for_all_its_options():
    _, ours = both("llama", batch_size=2)
    pairs = [(f"{'s' * 100}{letter}{'q' * 9}", option * 5) for letter in "ab" for option in "wxyz"]
    # 100 shared, then for each question 9 tokens of its own, and for each option the last of them and 4 of the option
    assert fed_tokens(ours, pairs) == 100 + 2 * (9 + 4 * (1 + 4))


def test_options_of_one_token_and_options_with_the_same_beginning_need_one_pass():
    _, ours = both("llama", batch_size=1)
    assert fed_tokens(ours, [("q" * 10, letter) for letter in "ABCD"]) == 10
    assert fed_tokens(ours, [("q" * 10, "abc" + letter) for letter in "ABCD"]) == 9 + 1 + 3


def test_a_cut_context_does_not_take_the_common_shots_from_the_others():
    _, ours = both("llama", batch_size=1, longest=130)
    pairs = [(f"{'s' * 100}{letter}{'q' * 9}", "w") for letter in "abc"]
    assert fed_tokens(ours, [*pairs, ("s" * 200, "w")]) == 100 + 3 * 10 + 130


def test_logits_are_made_of_the_options_only():
    _, ours = both("llama", batch_size=2)
    shapes = []
    hook = ours.model.lm_head.register_forward_hook(lambda _, __, logits: shapes.append(tuple(logits.shape[:2])))
    ours.loglikelihood(requests_for(*[(letter * 300, "xyz") for letter in "ab"]), disable_tqdm=True)
    hook.remove()
    assert shapes == [(2, 1), (2, 3)]


def test_an_option_without_tokens_is_refused():
    _, ours = both("llama", merging_tokenizer())
    with pytest.raises(UserError, match="an option of 0 tokens cannot be scored by a model that takes 2048"):
        ours.loglikelihood(requests_for(("ab", "c")), disable_tqdm=True)


def test_an_option_longer_than_the_model_is_refused():
    _, ours = both("llama", longest=10)
    with pytest.raises(UserError, match="an option of 11 tokens cannot be scored by a model that takes 10"):
        ours.loglikelihood(requests_for(("a", "x" * 11)), disable_tqdm=True)


def test_no_requests_have_no_answers():
    _, ours = both("llama")
    assert ours.loglikelihood([], disable_tqdm=True) == []


def test_the_common_prefix_is_what_all_rows_begin_with():
    assert common_prefix([(1, 2, 3), (1, 2), (1, 2, 9, 9)]) == (1, 2)
    assert common_prefix([(1, 2), (3,)]) == ()
    assert common_prefix([(5, 6)]) == (5, 6)
    assert common_prefix([]) == ()
