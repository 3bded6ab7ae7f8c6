"""What is declared, how a call runs, and how both look on the wire."""
