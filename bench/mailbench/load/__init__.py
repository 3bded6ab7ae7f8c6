"""bench/load: requests per second and latencies of the HTTP server, and of what it is compared with."""
