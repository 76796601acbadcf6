"""What people write down: pool files, prices, policies that need no fit."""
