"""Where mail comes from: one file per kind of source, behind `MailSource`."""
