"""The commands that find and show mail."""
