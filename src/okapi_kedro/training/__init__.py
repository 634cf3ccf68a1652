"""Models: the prompt template, supervised fine-tuning, the reward model and reinforcement learning."""
