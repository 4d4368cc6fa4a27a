"""What those who run the gateway look at."""
