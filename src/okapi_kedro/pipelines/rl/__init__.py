from okapi_kedro.pipelines.rl import pipeline

__all__ = ["pipeline"]
