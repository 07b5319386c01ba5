"""Runs the reference model beside the product, and compares both after each step."""
