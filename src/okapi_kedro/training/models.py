"""Models as directories or hub names, loaded where they are used."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from okapi_kedro.errors import UserError


@dataclass(frozen=True)
class ModelReference:
    """A model that has not been loaded: passed between nodes instead of weights.

    Args:
        name: a directory written by `save_pretrained`, or a hub id.
        temporary: the directory is a node's own and may be moved to where it is kept.
    """

    name: str
    temporary: bool = False

    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The model's tokenizer; where it pads with nothing or with what ends a text, it gets another token."""
        tokenizer = _load(AutoTokenizer, self.name)
        if tokenizer.pad_token in (None, tokenizer.eos_token):
            tokenizer.pad_token = tokenizer.unk_token or tokenizer.bos_token or tokenizer.eos_token
        return tokenizer

    def configuration(self) -> PreTrainedConfig:
        """Its shape, without weights."""
        return _load(AutoConfig, self.name)

    def causal_lm(self) -> PreTrainedModel:
        return _load(AutoModelForCausalLM, self.name, dtype="auto")

    def reward_model(self) -> PreTrainedModel:
        """The model with its head of one number, the reward, read at the last token that is no padding."""
        model = _load(AutoModelForSequenceClassification, self.name, dtype="auto", num_labels=1)
        model.config.pad_token_id = self.tokenizer().pad_token_id
        return model


def _load(auto_class: Any, name: str, **options: Any) -> Any:
    try:
        return auto_class.from_pretrained(name, trust_remote_code=False, **options)
    except (OSError, ValueError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"cannot load the model {name!r}, as a directory or from the hub: {reason}") from error


def save_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, directory: Path) -> ModelReference:
    """Writes weights (safetensors), configuration and tokenizer as plain transformers reads them."""
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return ModelReference(str(directory), temporary=True)


def device() -> torch.device:
    """The accelerator when there is one, otherwise the CPU."""
    return torch.accelerator.current_accelerator() or torch.device("cpu")
