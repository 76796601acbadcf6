"""What penstock is measured with; not part of the package."""
