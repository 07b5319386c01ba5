"""What a price costs, and what a discount takes off: pure functions of integer minor units and exact fractions."""
