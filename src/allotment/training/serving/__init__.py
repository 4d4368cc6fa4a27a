"""What was trained as files that engines serve, and the proof that they answer alike."""
