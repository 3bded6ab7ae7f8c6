"""Messages that were too large to be fetched whole: their header and text are there, and of the rest what it is."""

OMITTED_SIZE = "X-Mailquery-Omitted-Size"
"""In the header of a part whose content is on the server only, or of which only the beginning is here: how many bytes
the part has there, encoded as it is in the message. It means something in messages that were fetched in part; a sender
may write it, too, and it is taken out of what is fetched in part before it is put in."""
