"""Text that somebody else chose, made fit to be read by a model and shown by whatever shows what a model says.

`cleaning` takes out what cannot be seen, `defusing` what a renderer would load or follow or take for its own markup,
`fencing` marks where such text begins and ends, `phrases` tells what reads like orders to a machine, `hosts` tells
where a link really leads and what a name only looks like, `secrets` masks codes and links that open an account.
"""

from mcpkit.security.untrusted.cleaning import Cleaned, clean, clean_block, clean_line
from mcpkit.security.untrusted.defusing import safe_block, safe_line
from mcpkit.security.untrusted.fencing import Fence, fenced_length, unfenced_json, untrusted

__all__ = [
    "Cleaned",
    "Fence",
    "clean",
    "clean_block",
    "clean_line",
    "fenced_length",
    "safe_block",
    "safe_line",
    "unfenced_json",
    "untrusted",
]
