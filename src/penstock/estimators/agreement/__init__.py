"""Beliefs from who gave the same answer as whom: an item-response model of right and wrong answers."""
