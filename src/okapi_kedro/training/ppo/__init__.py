"""Proximal policy optimisation of the upper blocks of a model: formulas, loop, watch and checkpoints."""
