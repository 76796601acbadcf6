"""Ways of calling a model, in front of any provider: voting, refusing, having answers rated."""
