"""How good a model is: benchmark tasks on local tables, their scores, and matches of generated text."""
