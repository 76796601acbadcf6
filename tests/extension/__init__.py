"""A package of somebody else's that adds one of everything."""
