"""Asking candidates and writing down what came back."""
