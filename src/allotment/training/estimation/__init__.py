"""What a training will need, how long it takes and what it costs, before it runs."""
