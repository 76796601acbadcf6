"""Text generation from ONNX weights: batched, seeded, with log-probabilities."""
