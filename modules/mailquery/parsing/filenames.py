"""The names of attachments: never a path, never empty."""

import re

from mailquery.parsing.cleaning import one_line

MAX_FILENAME_CHARACTERS = 200
_FORBIDDEN = re.compile(r'[\x00-\x1f<>:"|?*]')

_EXTENSIONS = {
    "text/plain": "txt", "text/html": "html", "text/calendar": "ics", "text/csv": "csv", "text/vcard": "vcf",
    "text/x-vcard": "vcf", "text/rtf": "rtf", "text/x-patch": "patch", "text/x-diff": "diff", "text/markdown": "md",
    "message/rfc822": "eml", "message/global": "eml", "message/delivery-status": "txt",
    "message/disposition-notification": "txt", "text/rfc822-headers": "txt", "application/pdf": "pdf",
    "application/zip": "zip", "application/gzip": "gz", "application/json": "json", "application/xml": "xml",
    "application/msword": "doc", "application/vnd.ms-excel": "xls", "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/x-hwp": "hwp", "application/haansofthwp": "hwp", "application/pgp-signature": "asc",
    "application/pgp-keys": "asc", "application/pgp-encrypted": "asc", "application/pkcs7-signature": "p7s",
    "application/x-pkcs7-signature": "p7s", "application/pkcs7-mime": "p7m", "application/x-pkcs7-mime": "p7m",
    "application/ms-tnef": "dat", "application/ics": "ics", "image/jpeg": "jpg", "image/jpg": "jpg",
    "image/png": "png", "image/gif": "gif", "image/svg+xml": "svg", "image/tiff": "tif", "image/bmp": "bmp",
    "image/webp": "webp", "audio/mpeg": "mp3", "audio/wav": "wav", "video/mp4": "mp4",
}  # fmt: skip


def clean_filename(name: str) -> str:
    """The last part of a path, without control and forbidden characters, at most 200; "" where none is left."""
    name = one_line(name).replace("\\", "/").rstrip("/").rpartition("/")[2]
    name = _FORBIDDEN.sub("_", name).strip(" .") if name.strip(". ") else ""
    if len(name) > MAX_FILENAME_CHARACTERS:
        stem, dot, extension = name.rpartition(".")
        if dot and len(extension) <= 10:
            name = stem[: MAX_FILENAME_CHARACTERS - len(extension) - 1].rstrip() + dot + extension
        else:
            name = name[:MAX_FILENAME_CHARACTERS].rstrip()
    return name


def default_filename(content_type: str, number: str) -> str:
    """A name for a part that came without one: `image-2.1.png`."""
    family = content_type.partition("/")[0]
    extension = _EXTENSIONS.get(content_type, "bin")
    stem = {"message": "message", "image": "image", "audio": "audio", "video": "video", "text": "text"}.get(
        family, "attachment"
    )
    if content_type == "text/calendar":
        stem = "invite"
    return f"{stem}-{number}.{extension}"


def message_filename(subject: str, number: str) -> str:
    """The name of an attached message: its subject."""
    stem = clean_filename(subject.replace("/", "-").replace("\\", "-")[:150])
    return f"{stem}.eml" if stem else default_filename("message/rfc822", number)
