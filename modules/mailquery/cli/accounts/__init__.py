"""The commands about accounts on mail servers."""
