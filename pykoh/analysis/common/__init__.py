"""What several rooms need: geometry, averages over time, error bars; it imports no other room."""
