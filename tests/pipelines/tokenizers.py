"""A model folder whose tokenizer has one token per word, so that lengths can be counted by eye."""

from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from okapi_kedro.training.models import ModelReference


def word_model(folder: Path) -> ModelReference:
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "</s>": 1, "<pad>": 2}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>", pad_token="<pad>")
    fast.save_pretrained(folder)
    return ModelReference(str(folder))


def training(max_length: int) -> dict[str, object]:
    return {
        "epochs": 1,
        "learning_rate": 0.001,
        "schedule": "linear",
        "warmup_steps": 0,
        "batch_size": 2,
        "micro_batch_size": 2,
        "weight_decay": 0.0,
        "max_length": max_length,
        "precision": "float32",
        "gradient_checkpointing": False,
        "log_steps": 1,
    }
