"""The search language: text to a query tree, and a query tree back to words."""
