"""Task generators, pre-training recipes and the shipped weights of three small language models."""
