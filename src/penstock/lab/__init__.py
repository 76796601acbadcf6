"""The embedded laboratory: task generators, pre-training recipes and the shipped weights of three language models."""
