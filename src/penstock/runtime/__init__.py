"""Text generation from ONNX weights: batched, with a key-value cache, log-probabilities and per-row seeds."""
