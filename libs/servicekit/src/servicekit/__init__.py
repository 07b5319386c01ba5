"""What every service would otherwise write the same way: transactions, events, HTTP conventions, processes."""
