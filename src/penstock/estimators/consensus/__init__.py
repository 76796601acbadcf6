"""Beliefs from who gave the same answer as whom: a law of right and wrong answers, fitted and served."""
