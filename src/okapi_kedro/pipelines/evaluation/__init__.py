from okapi_kedro.pipelines.evaluation import pipeline

__all__ = ["pipeline"]
