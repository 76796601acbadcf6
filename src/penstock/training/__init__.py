"""Training recipes: each one frozen dataclass of settings and one loop read top to bottom."""
