"""Going on while what one depends on fails, and under load: retries, circuit breakers, a cache."""
