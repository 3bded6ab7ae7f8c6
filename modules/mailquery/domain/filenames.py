"""A name for a file that a stranger named: safe to make on any system, and ending as what the file really is."""

import re
import unicodedata

from mailquery.domain.media import is_disguised

FALLBACK = "attachment"
_MOST_BYTES = 180  # of UTF-8; file systems take 255, and a number may come behind
_MOST_ENDING = 12  # characters of an ending that is kept whole
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"|?*%$`!&;\'\\/]')
_OFFICE = "application/vnd.openxmlformats-officedocument"
_ENDINGS = {
    "application/pdf": "pdf",
    f"{_OFFICE}.wordprocessingml.document": "docx",
    f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
    f"{_OFFICE}.presentationml.presentation": "pptx",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.ms-outlook": "msg",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/rtf": "rtf",
    "application/x-hwp": "hwp",
    "application/vnd.hancom.hwpx": "hwpx",
    "application/epub+zip": "epub",
    "application/zip": "zip",
    "application/x-7z-compressed": "7z",
    "application/vnd.rar": "rar",
    "application/x-tar": "tar",
    "application/gzip": "gz",
    "application/x-bzip2": "bz2",
    "application/x-xz": "xz",
    "application/vnd.microsoft.portable-executable": "exe",
    "application/x-executable": "elf",
    "application/x-ms-shortcut": "lnk",
    "text/x-shellscript": "sh",
    "text/html": "html",
    "text/plain": "txt",
    "text/xml": "xml",
    "text/calendar": "ics",
    "text/vcard": "vcf",
    "message/rfc822": "eml",
    "image/svg+xml": "svg",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/tiff": "tiff",
    "image/webp": "webp",
    "video/mp4": "mp4",
}


def safe_name(filename: str, declared: str = "", found: str = "") -> str:
    """One part of a path, in NFC: nothing invisible, no control or bidirectional characters, none that a shell or a
    system takes for something else, not hidden, no name of a device, at most 180 bytes. Where the content `found` lies
    about itself (`is_disguised`), its real ending takes the place of the one it has."""
    name = unicodedata.normalize("NFC", filename.encode("utf-8", "replace").decode("utf-8"))
    name = re.split(r"[/\\]", name.rstrip("/\\ ."))[-1]
    name = "".join(" " if letter.isspace() else letter for letter in name if _is_shown(letter))
    name = " ".join(_FORBIDDEN.sub("_", name).split())
    name = name.strip(". -~")
    name = _shortened(_really_ending(name, filename, declared, found)) or FALLBACK
    return f"_{name}" if _RESERVED.match(name) else name


def numbered(name: str, number: int) -> str:
    """The name beside those that are there already: `invoice (2).pdf`."""
    stem, ending = _divided(name)
    return f"{stem} ({number}){ending}"


def _is_shown(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter)[0] != "C"


def _really_ending(name: str, filename: str, declared: str, found: str) -> str:
    ending = _ENDINGS.get(found)
    if ending is None:
        return name
    stem, own = _divided(name)
    if is_disguised(found, declared, filename):
        return f"{stem or FALLBACK}.{ending}"
    return name if own or not name else f"{name}.{ending}"


def _divided(name: str) -> tuple[str, str]:
    """(the name, its ending with the dot)."""
    stem, dot, ending = name.rpartition(".")
    if not dot or not stem or not 0 < len(ending) <= _MOST_ENDING or " " in ending:
        return name, ""
    return stem, f".{ending}"


def _shortened(name: str) -> str:
    stem, ending = _divided(name)
    room = _MOST_BYTES - len(ending.encode())
    return f"{stem.encode()[:room].decode('utf-8', 'ignore').rstrip('. ')}{ending}".rstrip(". ")
