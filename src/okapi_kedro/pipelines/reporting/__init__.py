from okapi_kedro.pipelines.reporting import english, leaderboard, pipeline

__all__ = ["english", "leaderboard", "pipeline"]
