"""The code behind ./polar."""
