"""Pages that show what a run made: one report per language, one leaderboard over languages."""
