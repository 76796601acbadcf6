"""Expected quality of an answer that has been seen."""
