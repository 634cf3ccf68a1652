"""The real prompts, as the pipelines write them, and one answer of the offline teacher to them."""

import json
from pathlib import Path

from okapi_kedro.teacher.messages import Sampling
from okapi_kedro.teacher.offline.server import respond
from okapi_kedro.teacher.prompts import render

PROMPTS = Path(__file__).parents[3] / "data" / "01_raw" / "prompts"
SAMPLING = Sampling(temperature=1.0, top_p=1.0, max_tokens=2000)


def template(name):
    return (PROMPTS / f"{name}.txt").read_text(encoding="utf-8")


EXAMPLES = "".join(
    f"Task {n}\nInstruction: Say hello {n} times.\nInput: <none>\nOutput: {'Hello! ' * n}\n\n" for n in (1, 2, 3)
)


def generation_prompt(count=8):
    return render(template("generation"), count=str(count), examples=f"{EXAMPLES}Task 4")


def translation_prompt(row, source="English", target="Nepali"):
    name = "translation" if source == "English" else "ranking_translation"
    return render(template(name), source=source, target=target, notes="", row=json.dumps(row, ensure_ascii=False))


def ranking_prompt(row, target="Nepali"):
    count = sum(key.startswith("response_") for key in row)
    return (
        *translation_prompt({"instruction": "x"}, source=target, target="English"),
        {"role": "assistant", "content": json.dumps(row, ensure_ascii=False)},
        *render(template("ranking"), count=str(count)),
    )


def answer(messages, seed=0, model="offline-teacher"):
    """The text and the finish reason of one answer."""
    choice = respond({"model": model, "messages": list(messages), "seed": seed})["choices"][0]
    return choice["message"]["content"], choice["finish_reason"]
