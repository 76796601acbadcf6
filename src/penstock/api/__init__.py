"""penstock for people: fit, route, evaluate, save, load and serve from Python, a few lines at a time."""
