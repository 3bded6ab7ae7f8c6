"""One module for each format, with the function `read` (`extraction.interfaces.Reader`)."""
