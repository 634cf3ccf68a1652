"""Okapi as a Kedro project: RLHF-tuned language models in 26 languages from English seed tasks and a teacher."""

__version__ = "0.1.0"
