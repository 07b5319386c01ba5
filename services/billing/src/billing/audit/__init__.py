"""Everything computed once more: orders from their lines, books from the ledger, and both from the events."""
