"""Language models of a few layers with random weights, and a tokenizer with one token for every byte."""

import torch
from lm_eval.api.instance import Instance
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

END = 256
CONFIGURATIONS = {
    "bloom": BloomConfig(vocab_size=257, hidden_size=32, n_layer=2, n_head=2, initializer_range=0.2),
    "llama": LlamaConfig(
        vocab_size=257, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, initializer_range=0.2,
    ),
}  # fmt: skip
CLASSES = {"bloom": BloomForCausalLM, "llama": LlamaForCausalLM}


def byte_tokenizer(longest: int) -> PreTrainedTokenizerFast:
    """One token per UTF-8 byte, so that no text is outside its vocabulary."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: place for place, letter in enumerate([*alphabet, "</s>"])}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="</s>", pad_token="</s>", model_max_length=longest
    )


def random_model(architecture: str) -> PreTrainedModel:
    """The same weights every time, large enough that tokens differ in likelihood."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return CLASSES[architecture](CONFIGURATIONS[architecture]).eval()


def requests_for(*pairs: tuple[str, str]) -> list[Instance]:
    """Contexts and options as lm-eval asks them."""
    return [
        Instance(request_type="loglikelihood", doc={}, arguments=pair, idx=place) for place, pair in enumerate(pairs)
    ]
