"""Going on while what one depends on fails: retries, circuit breakers, time limits."""
