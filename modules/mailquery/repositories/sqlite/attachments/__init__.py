"""The texts of attachments."""
