"""What a text answers: the final answer, the form in which two are the same, and what gives it away."""
