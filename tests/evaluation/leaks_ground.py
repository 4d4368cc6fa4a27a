"""What the tests of leaks share."""
