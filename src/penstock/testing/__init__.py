"""Contract suites and tiny tables for tests of penstock and of what plugs into it."""
