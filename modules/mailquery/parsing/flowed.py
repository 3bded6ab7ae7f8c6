"""Text in format=flowed, with its paragraphs put together again (RFC 3676, section 4)."""

import re

_DEPTH = re.compile(r">*")


def unflow(text: str, *, delete_space: bool = False) -> str:
    """Lines that end with a blank go on in the next one of the same quotation depth; `-- ` stands alone."""
    result: list[str] = []
    paragraph: list[str] = []
    open_depth = -1  # the depth of the paragraph that is going on, or -1
    for line in text.split("\n"):
        match = _DEPTH.match(line)
        depth = match.end() if match is not None else 0
        content = line[depth:]
        if content.startswith(" "):
            content = content[1:]  # space-stuffing
        if open_depth == depth and content != "-- ":
            paragraph.append(content)
        else:
            if paragraph:
                result.append("".join(paragraph))
            paragraph = [f"{'>' * depth} {content}" if depth else content]
        if content.endswith(" ") and content != "-- ":
            open_depth = depth
            if delete_space:
                paragraph[-1] = paragraph[-1][:-1]
        else:
            open_depth = -1
            result.append("".join(paragraph))
            paragraph = []
    if paragraph:
        result.append("".join(paragraph))
    return "\n".join(result)
