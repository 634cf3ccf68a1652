"""Kedro datasets of our own: the teacher and model directories."""

from okapi_kedro.datasets.model_directory import ModelDirectoryDataset
from okapi_kedro.datasets.teacher import TeacherDataset

__all__ = ["ModelDirectoryDataset", "TeacherDataset"]
