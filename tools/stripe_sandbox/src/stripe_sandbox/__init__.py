"""A local Stripe for tests and the demo."""
