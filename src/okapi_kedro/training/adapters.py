"""Low-rank adapters (LoRA, arXiv 2106.09685) and their 4-bit form (QLoRA, arXiv 2305.14314), merged when trained."""

from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, PreTrainedModel

from okapi_kedro.errors import UserError
from okapi_kedro.training.models import ModelReference

if TYPE_CHECKING:
    from peft import LoraConfig


class AdapterSettings(BaseModel):
    """Which weights are trained: all of them, or small matrices beside them.

    Args:
        kind: `none` trains all weights, as in the paper; `lora` trains adapters beside frozen weights; `qlora` keeps
            the frozen weights in 4 bits.
        rank: of the product that is added to a weight.
        alpha: the product is scaled by alpha / rank.
        dropout: of the adapter's input.
        modules: names of the layers that get an adapter, or `all-linear` for all but the embeddings and the head.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal["none", "lora", "qlora"]
    rank: PositiveInt
    alpha: PositiveInt
    dropout: float = Field(ge=0, lt=1)
    modules: list[str] | Literal["all-linear"]


def check_adapter(settings: AdapterSettings) -> None:
    """Raises a UserError where a package that the adapter needs is not installed."""
    needed = {"none": [], "lora": ["peft"], "qlora": ["peft", "bitsandbytes"]}[settings.kind]
    missing = [package for package in needed if find_spec(package) is None]
    if missing:
        raise UserError(
            f"sft.recipe.adapter.kind={settings.kind} needs {' and '.join(missing)}: "
            f"pip install 'okapi-kedro[{settings.kind}]'"
        )


def model_to_train(
    base: ModelReference, settings: AdapterSettings, precision: Literal["float32", "bfloat16"]
) -> PreTrainedModel:
    """The base model in the form in which it is trained.

    Weights that are trained are in float32: in float16, as BLOOM and LLaMA are stored, AdamW's steps vanish or explode.
    Weights that stay frozen under LoRA are in the precision of the computation, under QLoRA in 4 bits (NF4).

    Raises:
        UserError: where a package that the adapter needs is not installed.
    """
    check_adapter(settings)
    if settings.kind == "none":
        return base.causal_lm().float()
    frozen = getattr(torch, precision)
    if settings.kind == "lora":
        return base.causal_lm().to(frozen)
    four_bits = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=frozen,
    )
    return AutoModelForCausalLM.from_pretrained(
        base.name,
        trust_remote_code=False,
        dtype=frozen,
        quantization_config=four_bits,
        device_map={"": torch.accelerator.current_device_index() if torch.accelerator.is_available() else "cpu"},
    )


def frozen_bytes(settings: AdapterSettings, precision: Literal["float32", "bfloat16"]) -> float:
    """What a weight that stays as it is takes up, as `model_to_train` loads it; in 4 bits, with its share of scales."""
    return {"none": 4.0, "lora": float(getattr(torch, precision).itemsize), "qlora": 0.52}[settings.kind]


def rehearsed_adapter(model: PreTrainedModel, settings: AdapterSettings) -> PreTrainedModel:
    """The model with matrices of the adapter's sizes beside its frozen weights, as a memory plan needs it.

    Not peft's own, which cannot be made of tensors without content.
    """
    if settings.kind == "none":
        return model
    model.requires_grad_(requires_grad=False)
    for name, layer in model.base_model.named_modules():
        if isinstance(layer, torch.nn.Linear) and _gets_adapter(name, settings):
            layer.down = torch.nn.Parameter(layer.weight.new_empty(settings.rank, layer.in_features))
            layer.up = torch.nn.Parameter(layer.weight.new_empty(layer.out_features, settings.rank))
            layer.register_forward_hook(lambda layer, inputs, output: output + inputs[0] @ layer.down.T @ layer.up.T)
    return model


def _gets_adapter(name: str, settings: AdapterSettings) -> bool:
    return settings.modules == "all-linear" or name.rsplit(".", maxsplit=1)[-1] in settings.modules


def adapter_configuration(settings: AdapterSettings) -> "LoraConfig | None":
    """The adapter as the trainer's `peft_config`, which wraps the model; None where all weights are trained."""
    if settings.kind == "none":
        return None
    from peft import LoraConfig  # noqa: PLC0415  # an extra

    return LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=settings.modules,
    )


def without_adapter(trained: PreTrainedModel, base: ModelReference, settings: AdapterSettings) -> PreTrainedModel:
    """A plain model that computes what the trained one does, to be saved.

    The adapter is added in float32 to the base model's weights as they are stored, not to their 4-bit form; rounded to
    bfloat16, most of what a small learning rate has changed would be lost.
    """
    if settings.kind == "none":
        return trained
    from peft import PeftModel  # noqa: PLC0415  # an extra

    with TemporaryDirectory(prefix="okapi-adapter-") as folder:
        trained.save_pretrained(folder)
        return PeftModel.from_pretrained(base.causal_lm().float(), folder).merge_and_unload()
