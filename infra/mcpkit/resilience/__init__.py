"""Going on while what one depends on fails: retries and circuit breakers."""
