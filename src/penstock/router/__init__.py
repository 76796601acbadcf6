"""What is fitted and served: beliefs, frontiers, targets and bundles, and their replay over a table."""
