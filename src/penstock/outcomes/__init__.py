"""The outcome table: reading, checking, splitting, scoring and turning it into arrays."""
