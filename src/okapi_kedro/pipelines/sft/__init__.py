from okapi_kedro.pipelines.sft import pipeline

__all__ = ["pipeline"]
