"""SATER's training (EMNLP 2025): Stage I teaches a small model to answer briefly, Stage II to refuse what is
beyond a stated confidence."""
