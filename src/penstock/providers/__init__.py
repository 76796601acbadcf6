"""Models behind one seam: OpenAI-compatible endpoints, embedded models, recordings and scripts."""
