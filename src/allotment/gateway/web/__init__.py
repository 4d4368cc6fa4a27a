"""What every route stands on: headers, bounds, streams, errors."""
