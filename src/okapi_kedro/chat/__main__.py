"""`python -m okapi_kedro.chat --lang ne`: talks to a model in the terminal, or on a page."""

import argparse
import logging
import os
import sys

import torch
from transformers.utils import logging as transformers_logging

from okapi_kedro.chat.assistant import Assistant
from okapi_kedro.chat.model_names import STAGES, model_named
from okapi_kedro.chat.terminal import converse
from okapi_kedro.chat.web import require_gradio, serve
from okapi_kedro.errors import UserError
from okapi_kedro.training.models import ModelReference

_EPILOG = """\
examples:
  python -m okapi_kedro.chat --lang ne                              the RLHF model that a run has made
  python -m okapi_kedro.chat --lang ne --model sft --compare rlhf   two models, one after the other
  python -m okapi_kedro.chat --model PATH_OR_HUB_ID                 any other model; no project is needed
  python -m okapi_kedro.chat --lang ne --web                        a page at http://127.0.0.1:7860

A model answers one instruction at a time and knows nothing of earlier ones. The prompt and the sampling are those of
its directory (chat_template.jinja, generation_config.json).
"""


def main() -> int:
    arguments = _parser().parse_args()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        if arguments.web:
            require_gradio()
        names = dict.fromkeys(name for name in (arguments.model, arguments.compare) if name)
        models = {name: model_named(name, arguments.lang, arguments.env) for name in names}
        assistants = {name: _loaded(model) for name, model in models.items()}
        if arguments.seed is not None:
            torch.manual_seed(arguments.seed)
        if arguments.web:
            serve(assistants, arguments.port)
        else:
            converse(assistants)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _loaded(model: ModelReference) -> Assistant:
    print(f"Loading {model.name} ...", file=sys.stderr)
    return Assistant(model)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m okapi_kedro.chat",
        description="Talk to a model: type an instruction, read the answer as it is written.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = ", ".join(STAGES)
    parser.add_argument("--lang", metavar="CODE", help="language of the model, such as ne")
    parser.add_argument(
        "--model", default="rlhf", metavar="NAME", help=f"{names}, a directory or a hub id (default: rlhf)"
    )
    parser.add_argument("--compare", metavar="NAME", help="a second model that answers the same")
    parser.add_argument(
        "--env",
        default=os.environ.get("KEDRO_ENV"),
        help="configuration environment whose models are meant, such as test",
    )
    parser.add_argument("--seed", type=int, metavar="NUMBER", help="draws the same answers again")
    parser.add_argument("--web", action="store_true", help="a page on this machine instead of the terminal (gradio)")
    parser.add_argument("--port", type=int, default=7860, metavar="PORT", help="of the page (default: 7860)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
