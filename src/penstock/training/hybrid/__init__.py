"""Hybrid LLM: a text encoder that learns when the weaker model will do (Ding et al., ICLR 2024)."""
