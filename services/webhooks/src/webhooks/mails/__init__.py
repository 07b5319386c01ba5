"""What sellers are written about their webhook endpoints."""
