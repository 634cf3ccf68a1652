"""The columns of every table, once; the catalog checks them on saving and on loading."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series


class _Table(pa.DataFrameModel):
    class Config:
        strict = True


class Instructions(_Table):
    """English instructions, whatever their source; an output is empty only where the parameters keep such rows."""

    id: Series[str] = pa.Field(unique=True)
    source: Series[str] = pa.Field(isin=["seed", "alpaca", "human", "generated"])
    instruction: Series[str] = pa.Field(str_length={"min_value": 1})
    input: Series[str]
    output: Series[str]


class AllInstructions(Instructions):
    """The same from all sources; generated ones with the earlier instruction that is nearest by ROUGE-L, if any."""

    max_rouge_l: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    nearest_id: Series[str]


class InstructionSplits(_Table):
    """Which stage a row serves, and whether training may see it."""

    id: Series[str] = pa.Field(unique=True)
    split: Series[str] = pa.Field(isin=["sft", "ranking", "rl"])
    held_out: Series[bool]


class InstructionVerbs(_Table):
    """What an instruction asks to do, and to what; empty where the parser found none."""

    id: Series[str] = pa.Field(unique=True)
    verb: Series[str]
    object: Series[str]


class Rejected(_Table):
    """What was kept aside, why, and as it came."""

    id: Series[str]
    reason: Series[str] = pa.Field(str_length={"min_value": 1})
    raw: Series[str]


class Defects(_Table):
    """How many rows had a defect, and what became of them; a row may have several."""

    defect: Series[str] = pa.Field(unique=True)
    rows: Series[int] = pa.Field(ge=0)
    action: Series[str] = pa.Field(isin=["drop", "keep", "clear"])


class RejectedCandidates(_Table):
    """Generated tasks that were dropped; near-duplicates with the text they repeat and their ROUGE-L with it."""

    id: Series[str] = pa.Field(unique=True)
    reason: Series[str] = pa.Field(str_length={"min_value": 1})
    nearest_id: Series[str]
    rouge_l: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    raw: Series[str]


class TranslatedInstructions(_Table):
    """Instructions in one language; `attempts` is how often the teacher was asked (0 for English)."""

    id: Series[str] = pa.Field(unique=True)
    split: Series[str] = pa.Field(isin=["sft", "ranking", "rl"])
    held_out: Series[bool]
    instruction: Series[str] = pa.Field(str_length={"min_value": 1})
    input: Series[str]
    output: Series[str]
    attempts: Series[int] = pa.Field(ge=0)


class SftExamples(_Table):
    """Prompts with the completion to learn; an English row that is mixed in has the id of its translation."""

    id: Series[str]
    language: Series[str]
    prompt: Series[str]
    completion: Series[str]
    held_out: Series[bool]

    class Config:
        unique = ["id", "language"]  # noqa: RUF012


class Responses(_Table):
    """Responses drawn from the SFT model, `k` of them for each prompt, and which say the same as an earlier one."""

    id: Series[str]
    k: Series[int] = pa.Field(ge=0)
    response: Series[str]
    finish_reason: Series[str] = pa.Field(isin=["stop", "length"])
    repeats: Series[bool]

    class Config:
        unique = ["id", "k"]  # noqa: RUF012


class RankedResponses(_Table):
    """The teacher's rank of each response (1 is best, equal ranks are ties) and where it stood when it was ranked.

    Some prompts are ranked again in the reverse order: that rank, 0 for the others, and the share of a prompt's pairs
    that both rankings order alike.
    """

    id: Series[str]
    k: Series[int] = pa.Field(ge=0)
    rank: Series[int] = pa.Field(ge=1)
    english_response: Series[str]
    shown_position: Series[int] = pa.Field(ge=1)
    second_rank: Series[int] = pa.Field(ge=0)
    agreement: Series[float] = pa.Field(ge=0, le=1, nullable=True)

    class Config:
        unique = ["id", "k"]  # noqa: RUF012


class JudgeQuality(_Table):
    """How far the judge can be trusted; what the figures are: pipelines/ranking/judge_quality.py."""

    figure: Series[str] = pa.Field(
        isin=["mean_rank", "best", "best_p_value", "agreement", "tau_b", "contradictions", "earlier_preferred"]
    )
    position: Series[int] = pa.Field(ge=0)
    value: Series[float]
    n: Series[int] = pa.Field(ge=1)

    class Config:
        unique = ["figure", "position"]  # noqa: RUF012


class Preferences(_Table):
    """A better and a worse response to one prompt, as complete texts after it."""

    id: Series[str]
    pair: Series[int] = pa.Field(ge=0)
    prompt: Series[str]
    chosen: Series[str]
    rejected: Series[str]
    held_out: Series[bool]

    class Config:
        unique = ["id", "pair"]  # noqa: RUF012


class RewardMargins(_Table):
    """What a reward model thinks of held-out pairs; `rank_distance` is missing where no ranks are known."""

    id: Series[str]
    pair: Series[int] = pa.Field(ge=0)
    chosen_reward: Series[float]
    rejected_reward: Series[float]
    margin: Series[float]
    chosen_tokens: Series[int] = pa.Field(ge=0)
    rejected_tokens: Series[int] = pa.Field(ge=0)
    chosen_characters: Series[int] = pa.Field(ge=0)
    rejected_characters: Series[int] = pa.Field(ge=0)
    rank_distance: Series[pd.Int64Dtype] = pa.Field(ge=1, nullable=True)

    class Config:
        unique = ["id", "pair"]  # noqa: RUF012


class Arc(_Table):
    """ARC in the released schema; `option_e` is empty for most questions."""

    id: Series[str] = pa.Field(unique=True)
    instruction: Series[str]
    option_a: Series[str]
    option_b: Series[str]
    option_c: Series[str]
    option_d: Series[str]
    option_e: Series[str]
    answer: Series[str] = pa.Field(isin=list("ABCDE"))
    split: Series[str] = pa.Field(isin=["train", "validation", "test"])


class HellaSwag(_Table):
    """HellaSwag in the released schema."""

    ind: Series[int]
    activity_label: Series[str]
    ctx_a: Series[str]
    ctx_b: Series[str]
    ctx: Series[str]
    endings: Series[object]
    source_id: Series[str]
    split: Series[str] = pa.Field(isin=["train", "validation", "test"])
    split_type: Series[str]
    label: Series[int] = pa.Field(ge=0, le=3)

    class Config:
        unique = ["ind", "split"]  # noqa: RUF012


class Mmlu(_Table):
    """MMLU in the released schema."""

    id: Series[str] = pa.Field(unique=True)
    instruction: Series[str]
    option_a: Series[str]
    option_b: Series[str]
    option_c: Series[str]
    option_d: Series[str]
    answer: Series[str] = pa.Field(isin=list("ABCD"))
    split: Series[str] = pa.Field(isin=["train", "validation", "test"])


class TrainingLog(_Table):
    """What every training logs, a row per logged step or evaluation: memory in bytes, times without interruptions."""

    step: Series[int] = pa.Field(ge=1)
    epoch: Series[float] = pa.Field(gt=0)
    loss: Series[float] = pa.Field(nullable=True)
    learning_rate: Series[float] = pa.Field(ge=0, nullable=True)
    grad_norm: Series[float] = pa.Field(ge=0, nullable=True)
    tokens: Series[int] = pa.Field(ge=0)
    seconds: Series[float] = pa.Field(ge=0)
    tokens_per_second: Series[float] = pa.Field(ge=0, nullable=True)
    peak_memory: Series[int] = pa.Field(ge=0)


class SftLog(TrainingLog):
    """The log of SFT; a row has the figures of training rows, or of all held-out rows after an epoch."""

    entropy: Series[float] = pa.Field(ge=0, nullable=True)
    mean_token_accuracy: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    eval_loss: Series[float] = pa.Field(ge=0, nullable=True)
    eval_entropy: Series[float] = pa.Field(ge=0, nullable=True)
    eval_mean_token_accuracy: Series[float] = pa.Field(ge=0, le=1, nullable=True)


class RewardLog(TrainingLog):
    """The log of the reward model: rewards of the texts, and accuracy and margin on the pairs, that it learns from."""

    min_reward: Series[float]
    mean_reward: Series[float]
    max_reward: Series[float]
    accuracy: Series[float] = pa.Field(ge=0, le=1)
    margin: Series[float]


class RlAnswers(_Table):
    """Answers to held-out prompts after so many steps of RL; none where the algorithm gives none."""

    step: Series[int]
    prompt: Series[str]
    response: Series[str]
    reward: Series[float]


class Scores(_Table):
    """One model's scores; `truncated` counts questions that lost text on the left."""

    task: Series[str]
    metric: Series[str]
    shots: Series[int]
    value: Series[float] = pa.Field(ge=0, le=1)
    stderr: Series[float]
    n: Series[int] = pa.Field(ge=1)
    truncated: Series[int] = pa.Field(ge=0)


class Evaluation(Scores):
    """The scores of several models, and the base model that they come from."""

    model: Series[str]
    base_model: Series[str]


class Comparison(_Table):
    """How many questions a model gains and loses on another, see `compare_answers`."""

    before: Series[str] = pa.Field(isin=["base", "sft"])
    after: Series[str] = pa.Field(isin=["sft", "rlhf"])
    task: Series[str]
    metric: Series[str] = pa.Field(isin=["acc", "acc_norm"])
    n: Series[int] = pa.Field(ge=1)
    difference: Series[float] = pa.Field(ge=-1, le=1)
    stderr: Series[float] = pa.Field(ge=0, nullable=True)
    gained: Series[int] = pa.Field(ge=0)
    lost: Series[int] = pa.Field(ge=0)
    p_value: Series[float] = pa.Field(ge=0, le=1)

    class Config:
        unique = ["before", "after", "task", "metric"]  # noqa: RUF012


class ResultTables(_Table):
    """Shares of right answers by base model, benchmark and language, averages and gaps, see `result_tables`."""

    base_model: Series[str]
    task: Series[str]
    shots: Series[int] = pa.Field(ge=0)
    kind: Series[str] = pa.Field(isin=["language", "average", "gap"])
    code: Series[str]
    language: Series[str]
    resource_class: Series[str] = pa.Field(isin=["high", "medium", "low", ""])
    languages: Series[int] = pa.Field(ge=1)
    questions: Series[int] = pa.Field(ge=0)
    base: Series[float] = pa.Field(ge=0, le=1)
    base_stderr: Series[float] = pa.Field(ge=0, nullable=True)
    sft: Series[float] = pa.Field(ge=0, le=1)
    sft_stderr: Series[float] = pa.Field(ge=0, nullable=True)
    rlhf: Series[float] = pa.Field(ge=0, le=1)
    rlhf_stderr: Series[float] = pa.Field(ge=0, nullable=True)
    gain: Series[float] = pa.Field(ge=-1, le=1)
    gain_stderr: Series[float] = pa.Field(ge=0, nullable=True)
    p_value: Series[float] = pa.Field(ge=0, le=1, nullable=True)

    class Config:
        unique = ["base_model", "task", "shots", "language"]  # noqa: RUF012


class Consistency(_Table):
    """The share of questions that a model answers as it answers their English originals."""

    task: Series[str]
    metric: Series[str] = pa.Field(isin=["acc", "acc_norm"])
    value: Series[float] = pa.Field(ge=0, le=1)
    stderr: Series[float] = pa.Field(ge=0, nullable=True)
    n: Series[int] = pa.Field(ge=1)
    moved: Series[int] = pa.Field(ge=0)

    class Config:
        unique = ["task", "metric"]  # noqa: RUF012


class EnglishSimilarity(_Table):
    """Cosines of texts with their English originals and with those of other texts, by layer of the base model."""

    layer: Series[int] = pa.Field(ge=0, unique=True)
    similarity: Series[float] = pa.Field(ge=-1.001, le=1.001)
    stderr: Series[float] = pa.Field(ge=0, nullable=True)
    unrelated: Series[float] = pa.Field(ge=-1.001, le=1.001, nullable=True)
    n: Series[int] = pa.Field(ge=1)


class HeldOutPrompts(_Table):
    """Held-out instructions that several models answer, with the reference output; empty where there is none."""

    id: Series[str] = pa.Field(unique=True)
    instruction: Series[str] = pa.Field(str_length={"min_value": 1})
    input: Series[str]
    prompt: Series[str]
    reference: Series[str]


class HeldOutResponses(_Table):
    """One model's responses to them."""

    id: Series[str] = pa.Field(unique=True)
    response: Series[str]
    finish_reason: Series[str] = pa.Field(isin=["stop", "length"])


class Verdicts(_Table):
    """Whose response to a prompt is better, seen from the model: of both orders together, and of each."""

    id: Series[str]
    model: Series[str]
    rival: Series[str]
    verdict: Series[str] = pa.Field(isin=["win", "tie", "loss"])
    identical: Series[bool]
    shown_first: Series[str] = pa.Field(isin=["win", "tie", "loss"])
    shown_second: Series[str] = pa.Field(isin=["win", "tie", "loss"])

    class Config:
        unique = ["id", "model", "rival"]  # noqa: RUF012


class RejectedComparisons(_Table):
    """Comparisons without a usable verdict, why, and what the teacher wrote."""

    id: Series[str]
    model: Series[str]
    rival: Series[str]
    reason: Series[str] = pa.Field(str_length={"min_value": 1})
    raw: Series[str]

    class Config:
        unique = ["id", "model", "rival"]  # noqa: RUF012


class SideBySide(_Table):
    """Held-out instructions with the responses of all models and the verdicts, empty where there is none."""

    id: Series[str] = pa.Field(unique=True)
    instruction: Series[str]
    input: Series[str]
    reference: Series[str]
    base: Series[str]
    sft: Series[str]
    rlhf: Series[str]
    sft_against_base: Series[str] = pa.Field(isin=["win", "tie", "loss", ""])
    rlhf_against_sft: Series[str] = pa.Field(isin=["win", "tie", "loss", ""])


class WinRates(_Table):
    """How often a model's response is preferred to its rival's; the columns: evaluation/verdicts.py."""

    model: Series[str]
    rival: Series[str]
    n: Series[int] = pa.Field(ge=1)
    wins: Series[int] = pa.Field(ge=0)
    ties: Series[int] = pa.Field(ge=0)
    losses: Series[int] = pa.Field(ge=0)
    win_rate: Series[float] = pa.Field(ge=0, le=1)
    low: Series[float] = pa.Field(ge=0, le=1)
    high: Series[float] = pa.Field(ge=0, le=1)
    p_value: Series[float] = pa.Field(ge=0, le=1)
    judged: Series[int] = pa.Field(ge=0)
    changed: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    first_preferred: Series[float] = pa.Field(ge=0, le=1, nullable=True)

    class Config:
        unique = ["model", "rival"]  # noqa: RUF012


class Chrf(_Table):
    """Mean chrF (0 to 100) of a model's responses with the references, and its standard error."""

    model: Series[str] = pa.Field(unique=True)
    chrf: Series[float] = pa.Field(ge=0, le=100.001, nullable=True)
    chrf_stderr: Series[float] = pa.Field(ge=0, nullable=True)
    n: Series[int] = pa.Field(ge=0)


class TextLengths(_Table):
    """Mean lengths of a part's texts, those of their English originals, and the first divided by the second."""

    part: Series[str] = pa.Field(isin=["all", "sft", "ranking", "rl"])
    text: Series[str] = pa.Field(isin=["prompt", "output"])
    unit: Series[str] = pa.Field(isin=["tokens", "characters"])
    rows: Series[int] = pa.Field(ge=0)
    mean: Series[float] = pa.Field(ge=0, nullable=True)
    english_mean: Series[float] = pa.Field(ge=0, nullable=True)
    ratio: Series[float] = pa.Field(ge=0, nullable=True)

    class Config:
        unique = ["part", "text", "unit"]  # noqa: RUF012


class TranslationOutcomes(_Table):
    """Rows that passed by attempts (0: nobody was asked, or the table does not tell), the rejected by reason."""

    table: Series[str] = pa.Field(isin=["instructions", "arc", "hellaswag", "mmlu"])
    attempts: Series[int] = pa.Field(ge=0)
    reason: Series[str]
    field: Series[str]
    rows: Series[int] = pa.Field(ge=1)

    class Config:
        unique = ["table", "attempts", "reason", "field"]  # noqa: RUF012


class Answers(_Table):
    """One model's answer to every question: places of the right option and of those it prefers, see `answer_task`."""

    task: Series[str]
    id: Series[str]
    shots: Series[int] = pa.Field(ge=0)
    gold: Series[int] = pa.Field(ge=0)
    chosen: Series[int] = pa.Field(ge=0)
    chosen_norm: Series[int] = pa.Field(ge=0)
    log_likelihoods: Series[object]
    truncated: Series[bool]

    class Config:
        unique = ["task", "id"]  # noqa: RUF012
