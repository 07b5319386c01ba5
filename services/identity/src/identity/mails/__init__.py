"""What customers are written about their sign-in and their address."""
