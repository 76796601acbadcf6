"""Which answers to one query are the same."""
