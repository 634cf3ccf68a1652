from okapi_kedro.pipelines.reporting import english, pipeline

__all__ = ["english", "pipeline"]
