"""What kind of thing a part is, in the words people use: pdf, image, spreadsheet."""

from enum import StrEnum


class Kind(StrEnum):
    PDF = "pdf"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    DOCUMENT = "document"  # word processors
    SPREADSHEET = "spreadsheet"
    PRESENTATION = "presentation"
    CALENDAR = "calendar"
    CONTACT = "contact"
    ARCHIVE = "archive"
    MESSAGE = "message"
    SIGNATURE = "signature"
    CODE = "code"
    TEXT = "text"
    OTHER = "other"


_BY_EXTENSION: dict[str, Kind] = {
    **dict.fromkeys(("pdf",), Kind.PDF),
    **dict.fromkeys(
        ("doc", "docx", "docm", "dot", "dotx", "odt", "rtf", "hwp", "hwpx", "pages", "epub"), Kind.DOCUMENT
    ),
    **dict.fromkeys(("xls", "xlsx", "xlsm", "xlsb", "ods", "csv", "tsv", "numbers"), Kind.SPREADSHEET),
    **dict.fromkeys(("ppt", "pptx", "pptm", "pps", "ppsx", "odp", "key"), Kind.PRESENTATION),
    **dict.fromkeys(("ics", "ical", "vcs"), Kind.CALENDAR),
    **dict.fromkeys(("vcf", "vcard"), Kind.CONTACT),
    **dict.fromkeys(("zip", "7z", "rar", "tar", "gz", "tgz", "bz2", "xz", "zst"), Kind.ARCHIVE),
    **dict.fromkeys(("eml", "msg", "mbox"), Kind.MESSAGE),
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "webp", "bmp", "tif", "tiff", "heic", "svg"), Kind.IMAGE),
    **dict.fromkeys(("mp3", "wav", "ogg", "m4a", "flac", "amr"), Kind.AUDIO),
    **dict.fromkeys(("mp4", "mov", "avi", "mkv", "webm", "3gp"), Kind.VIDEO),
    **dict.fromkeys(("p7s", "asc", "sig"), Kind.SIGNATURE),
    **dict.fromkeys(("patch", "diff", "py", "c", "h", "cpp", "js", "ts", "java", "go", "rs", "sh", "sql"), Kind.CODE),
    **dict.fromkeys(("txt", "md", "log", "html", "htm", "json", "xml", "yaml", "yml"), Kind.TEXT),
}

_BY_TYPE: dict[str, Kind] = {
    "application/pdf": Kind.PDF,
    "application/x-pdf": Kind.PDF,
    "application/msword": Kind.DOCUMENT,
    "application/rtf": Kind.DOCUMENT,
    "text/rtf": Kind.DOCUMENT,
    "application/x-hwp": Kind.DOCUMENT,
    "application/haansofthwp": Kind.DOCUMENT,
    "application/vnd.hancom.hwp": Kind.DOCUMENT,
    "application/vnd.hancom.hwpx": Kind.DOCUMENT,
    "application/x-hwp-v3": Kind.DOCUMENT,
    "application/epub+zip": Kind.DOCUMENT,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": Kind.DOCUMENT,
    "application/vnd.oasis.opendocument.text": Kind.DOCUMENT,
    "application/vnd.ms-excel": Kind.SPREADSHEET,
    "application/vnd.ms-excel.sheet.binary.macroenabled.12": Kind.SPREADSHEET,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": Kind.SPREADSHEET,
    "application/vnd.oasis.opendocument.spreadsheet": Kind.SPREADSHEET,
    "text/csv": Kind.SPREADSHEET,
    "text/tab-separated-values": Kind.SPREADSHEET,
    "application/vnd.ms-powerpoint": Kind.PRESENTATION,
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": Kind.PRESENTATION,
    "application/vnd.oasis.opendocument.presentation": Kind.PRESENTATION,
    "text/calendar": Kind.CALENDAR,
    "application/ics": Kind.CALENDAR,
    "text/vcard": Kind.CONTACT,
    "text/x-vcard": Kind.CONTACT,
    "application/zip": Kind.ARCHIVE,
    "application/x-zip-compressed": Kind.ARCHIVE,
    "application/gzip": Kind.ARCHIVE,
    "application/x-7z-compressed": Kind.ARCHIVE,
    "application/x-rar-compressed": Kind.ARCHIVE,
    "application/vnd.rar": Kind.ARCHIVE,
    "application/x-tar": Kind.ARCHIVE,
    "application/x-bzip2": Kind.ARCHIVE,
    "application/x-xz": Kind.ARCHIVE,
    "application/zstd": Kind.ARCHIVE,
    "application/vnd.ms-outlook": Kind.MESSAGE,
    "application/pgp-signature": Kind.SIGNATURE,
    "application/pkcs7-signature": Kind.SIGNATURE,
    "application/x-pkcs7-signature": Kind.SIGNATURE,
    "text/x-patch": Kind.CODE,
    "text/x-diff": Kind.CODE,
}

_BY_FAMILY: dict[str, Kind] = {
    "image": Kind.IMAGE,
    "audio": Kind.AUDIO,
    "video": Kind.VIDEO,
    "message": Kind.MESSAGE,
    "text": Kind.TEXT,
}

DOCUMENT_KINDS = frozenset({Kind.PDF, Kind.DOCUMENT, Kind.SPREADSHEET, Kind.PRESENTATION})


def kind_of(content_type: str, filename: str) -> Kind:
    """The kind by MIME type, or by the file name's ending where the type says little (RFC 2046, section 4.5.1)."""
    content_type = content_type.lower()
    if (kind := _BY_TYPE.get(content_type)) is not None:
        return kind
    if (kind := _BY_EXTENSION.get(_ending(filename))) is not None:
        return kind
    return _BY_FAMILY.get(content_type.partition("/")[0], Kind.OTHER)


EXECUTABLE_TYPES = frozenset(
    {
        "application/vnd.microsoft.portable-executable",
        "application/x-executable",
        "application/x-ms-shortcut",
        "text/x-shellscript",
    }
)
"""Content that runs where it is opened."""

_OFFICE_KINDS = frozenset({Kind.DOCUMENT, Kind.SPREADSHEET, Kind.PRESENTATION})
# Honest programs save one as the other: a table of HTML called .xls, a letter in RTF or HTML called .doc.
_PASSES_FOR: dict[Kind, frozenset[Kind]] = {
    Kind.TEXT: frozenset({Kind.CODE, Kind.SIGNATURE, Kind.CALENDAR, Kind.CONTACT, Kind.MESSAGE, *_OFFICE_KINDS}),
    Kind.ARCHIVE: _OFFICE_KINDS,  # whose files are ZIP archives; a damaged one is no more than that
    Kind.MESSAGE: frozenset({Kind.TEXT, Kind.CODE}),
    Kind.CALENDAR: frozenset({Kind.TEXT}),
    Kind.CONTACT: frozenset({Kind.TEXT}),
    Kind.AUDIO: frozenset({Kind.VIDEO}),
    Kind.VIDEO: frozenset({Kind.AUDIO, Kind.IMAGE}),
    Kind.IMAGE: frozenset({Kind.TEXT, Kind.CODE}),  # as SVG
    **dict.fromkeys(_OFFICE_KINDS, _OFFICE_KINDS | {Kind.TEXT}),
}
_RUNNING_NAMES = frozenset({"exe", "dll", "scr", "com", "msi", "cpl", "lnk", "sh", "bash", "run", "bin", "so", "sys"})


def is_disguised(found: str, declared: str, filename: str) -> bool:
    """Whether content of the type `found` goes by a name, or where that says nothing by a `declared` type, of another
    kind. Honest mail hardly ever has that; it does have types that say nothing, and office files that are called after
    another program."""
    ending = _ending(filename)
    said = _BY_EXTENSION.get(ending) or (None if ending in _RUNNING_NAMES else kind_of(declared, ""))
    if said is None or said is Kind.OTHER:
        return False
    if found in EXECUTABLE_TYPES:
        return not (found == "text/x-shellscript" and said in (Kind.CODE, Kind.TEXT))
    real = kind_of(found, "")
    if real in (Kind.OTHER, said):
        return False
    return said not in _PASSES_FOR.get(real, frozenset())


def _ending(filename: str) -> str:
    return filename.strip().rstrip(".").rpartition(".")[2].lower() if "." in filename else ""
