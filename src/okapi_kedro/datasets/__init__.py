"""Kedro datasets of our own: the teacher, model directories, prompt templates and folders of users' files."""

from okapi_kedro.datasets.folder import FolderDataset
from okapi_kedro.datasets.model_directory import ModelDirectoryDataset
from okapi_kedro.datasets.prompt_template import PromptTemplateDataset
from okapi_kedro.datasets.teacher import TeacherDataset
from okapi_kedro.datasets.work_folder import WorkFolderDataset

__all__ = ["FolderDataset", "ModelDirectoryDataset", "PromptTemplateDataset", "TeacherDataset", "WorkFolderDataset"]
