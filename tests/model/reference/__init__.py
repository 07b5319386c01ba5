"""A reference model of billing by the documented rules alone: no database, nothing of the product, UTC, minor units."""
