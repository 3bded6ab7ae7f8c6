"""The search language: text to a query tree, and a query tree to words that explain it."""
