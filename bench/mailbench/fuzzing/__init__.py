"""bench/fuzz: malformed requests by the thousand against the product, over HTTP and STDIO."""
