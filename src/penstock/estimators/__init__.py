"""Expected quality and cost of every candidate on a query."""
