"""Expected quality before a candidate has answered."""
