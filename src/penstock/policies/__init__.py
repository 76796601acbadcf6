"""Decision rules: belief and costs in, call / accept / abstain out. Pure, no I/O."""
