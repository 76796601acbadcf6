"""Other people's formats, read into outcome tables."""
