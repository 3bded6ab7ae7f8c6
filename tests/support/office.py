"""Files of office programs for which no kept library writes them, small ones, by their specifications."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_SECTOR, _MINI, _SMALL = 512, 64, 4096
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def zipped(entries: Mapping[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@dataclass
class _Node:
    name: str
    kind: int  # 1 storage, 2 stream, 5 root
    content: bytes = b""
    children: dict[str, "_Node"] = field(default_factory=dict)
    child: int = _FREE
    right: int = _FREE
    start: int = _END


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file (MS-CFB, version 3) with streams by their paths."""
    root = _Node("Root Entry", 5)
    for path, content in streams.items():
        *folders, name = path.split("/")
        at = root
        for folder in folders:
            at = at.children.setdefault(folder, _Node(folder, 1))
        at.children[name] = _Node(name, 2, content)
    nodes = [root]
    for node in nodes:  # grows while it is gone through
        ordered = sorted(node.children.values(), key=lambda child: (len(child.name), child.name.upper()))
        for number, child in enumerate(ordered):
            place = len(nodes) + number
            node.child = place if number == 0 else node.child
            child.right = place + 1 if number + 1 < len(ordered) else _FREE
        nodes.extend(ordered)
    sectors: list[bytes] = []
    fat: list[int] = []
    mini, mini_fat = b"", list[int]()

    def store(content: bytes) -> int:
        if not content:
            return _END
        start = len(sectors)
        pieces = [content[at : at + _SECTOR].ljust(_SECTOR, b"\x00") for at in range(0, len(content), _SECTOR)]
        sectors.extend(pieces)
        fat.extend([*range(start + 1, start + len(pieces)), _END])
        return start

    for node in nodes:
        if node.kind == 2 and node.content and len(node.content) < _SMALL:
            node.start = len(mini_fat)
            count = -(-len(node.content) // _MINI)
            mini += node.content.ljust(count * _MINI, b"\x00")
            mini_fat.extend([*range(node.start + 1, node.start + count), _END])
        elif node.kind == 2:
            node.start = store(node.content)
    root.start, root.content = store(mini), mini
    mini_sectors = -(-len(mini_fat) * 4 // _SECTOR)
    mini_start = store(struct.pack(f"<{len(mini_fat)}I", *mini_fat).ljust(mini_sectors * _SECTOR, b"\xff"))
    directory = b"".join(map(_entry, nodes))
    directory_start = store(directory.ljust(-(-len(directory) // _SECTOR) * _SECTOR, b"\x00"))
    tables = 1
    while tables * (_SECTOR // 4) < len(fat) + tables:
        tables += 1
    places = list(range(len(sectors), len(sectors) + tables))
    fat.extend([_FAT] * tables)
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(tables * _SECTOR, b"\xff")
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, tables,
        directory_start, 0, _SMALL, mini_start, mini_sectors, _END, 0,
    )  # fmt: skip
    header += struct.pack("<109I", *places, *[_FREE] * (109 - tables))
    return header + b"".join(sectors) + table


def _entry(node: _Node) -> bytes:
    name = node.name.encode("utf-16-le") + b"\x00\x00"
    size = len(node.content) if node.kind != 1 else 0
    start = 0 if node.kind == 1 else node.start
    return struct.pack(
        "<64sHBBIII16x4x8x8xIQ", name, len(name), node.kind, 1, _FREE, node.right, node.child, start, size
    )


def doc(text: str, *, encrypted: bool = False, looks: Sequence[tuple[int, bytes]] = ()) -> bytes:
    """Word 97 (MS-DOC): one piece of Unicode text. `looks` are its runs in order: how many characters, and the changes
    of their format."""
    flags = 0x0200 | (0x0100 if encrypted else 0)
    head = bytearray(0x400)
    struct.pack_into("<H", head, 0, 0xA5EC)
    struct.pack_into("<H", head, 0x0A, flags)
    pieces = struct.pack("<IIHIH", 0, len(text), 0, len(head), 0)
    clx = struct.pack("<BI", 2, len(pieces)) + pieces
    struct.pack_into("<II", head, 0x01A2, 0, len(clx))
    bounds, page, free = [len(head)], bytearray(512), 510
    for number, (length, changes) in enumerate(looks):
        bounds.append(bounds[-1] + 2 * length)
        free = (free - 1 - len(changes)) // 2 * 2
        page[free : free + 1 + len(changes)] = bytes([len(changes)]) + changes
        page[4 * (len(looks) + 1) + number] = free // 2 if changes else 0
    struct.pack_into(f"<{len(bounds)}I", page, 0, *bounds)
    page[511] = len(looks)
    body = bytes(head) + text.encode("utf-16-le")
    body += bytes(-len(body) % 512)
    places = struct.pack("<III", bounds[0], bounds[-1], len(body) // 512) if looks else b""
    body = body[:0x00FA] + struct.pack("<II", len(clx), len(places)) + body[0x0102:] + bytes(page)
    return compound({"WordDocument": body, "1Table": clx + places})


def _record(kind: int, content: bytes, instance: int = 0, *, container: bool = False) -> bytes:
    return struct.pack("<HHI", instance << 4 | (0xF if container else 0), kind, len(content)) + content


def _text(text: str) -> bytes:
    return _record(0x0FA0, text.encode("utf-16-le"))


def ppt(slides: Sequence[tuple[str, str]], *, encrypted: bool = False) -> bytes:
    """PowerPoint 97 (MS-PPT): slides as (title, speaker's notes)."""
    stream = b""
    places: list[int] = []

    def add(content: bytes) -> int:
        nonlocal stream
        places.append(len(stream))
        stream += content
        return len(places)

    listed = noted = b""
    for number, (title, notes) in enumerate(slides, 256):
        shape = _record(0xF00D, _text(f"shape of {title}"))
        slide = add(_record(0x03EE, shape, container=True))
        listed += _record(0x03F3, struct.pack("<IIiII", slide, 0, 1, number, 0)) + _text(title)
        page = add(_record(0x03F0, _record(0x03F1, struct.pack("<II", number, 0)) + _text(notes), container=True))
        noted += _record(0x03F3, struct.pack("<IIiII", page, 0, 0, number, 0))
    lists = _record(0x0FF0, listed, 0, container=True) + _record(0x0FF0, noted, 2, container=True)
    document = add(_record(0x03E8, lists, container=True))
    directory = len(stream)
    stream += _record(0x1772, struct.pack(f"<I{len(places)}I", len(places) << 20 | 1, *places))
    edit = len(stream)
    stream += _record(0x0FF5, struct.pack("<IIIIIII", 0, 0, 0, directory, document, 0, 0))
    token = 0xF3D1C4DF if encrypted else 0xE391C05F
    user = _record(0x0FF6, struct.pack("<III", 20, token, edit))
    return compound({"PowerPoint Document": stream, "Current User": user})


def _biff(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def xls(sheets: Mapping[str, Sequence[Sequence[str | float]]], *, hidden: str = "", encrypted: bool = False) -> bytes:
    """Excel 97 (MS-XLS, BIFF8): numbers and labels."""
    begin = _biff(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0))
    begin += _biff(0x002F, struct.pack("<HHH", 0, 1, 2)) if encrypted else b""
    names = [struct.pack("<BB", len(name), 1) + name.encode("utf-16-le") for name in sheets]
    length = len(begin) + sum(4 + 6 + len(name) for name in names) + 4
    bodies, bounds = b"", b""
    for (name, rows), packed in zip(sheets.items(), names, strict=True):
        bounds += _biff(0x0085, struct.pack("<IBB", length + len(bodies), int(name == hidden), 0) + packed)
        body = _biff(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                head = struct.pack("<HHH", row, column, 0)
                if isinstance(cell, str):
                    text = struct.pack("<HB", len(cell), 1) + cell.encode("utf-16-le")
                    body += _biff(0x0204, head + text)
                else:
                    body += _biff(0x0203, head + struct.pack("<d", cell))
        bodies += body + _biff(0x000A)
    return compound({"Workbook": (begin + bounds + _biff(0x000A) + bodies).ljust(_SMALL, b"\x00")})


def hwp(paragraphs: Sequence[str], table: Sequence[Sequence[str]] = (), *, flags: int = 1) -> bytes:
    """HWP 5: paragraphs, and a table behind them."""
    body = b"".join(_hwp_paragraph(text, 0) for text in paragraphs)
    if table:
        body += _hwp_record(71, b" lbt" + bytes(4), 1) + _hwp_record(77, bytes(22), 2)
        for row, cells in enumerate(table):
            for column, cell in enumerate(cells):
                body += _hwp_record(72, struct.pack("<HHIHHHH", 1, 0, 0, column, row, 1, 1), 2)
                body += _hwp_paragraph(cell, 2)
        body += _hwp_paragraph("behind the table", 0)
    deflate = zlib.compressobj(wbits=-15)
    content = deflate.compress(body) + deflate.flush() if flags & 1 else body
    header = b"HWP Document File".ljust(32, b"\x00") + struct.pack("<II", 0x05010000, flags)
    return compound({"FileHeader": header.ljust(256, b"\x00"), "BodyText/Section0": content})


def _hwp_paragraph(text: str, level: int) -> bytes:
    return _hwp_record(66, bytes(24), level) + _hwp_record(67, (text + "\r").encode("utf-16-le"), level + 1)


def _hwp_record(tag: int, content: bytes, level: int) -> bytes:
    size = min(len(content), 0xFFF)
    head = struct.pack("<I", tag | level << 10 | size << 20)
    return head + (struct.pack("<I", len(content)) if size == 0xFFF else b"") + content


def hwpx(body: str, manifest: str = "") -> bytes:
    """OWPML (KS X 6101): `body` is what stands in the section, with the prefix hp."""
    section = (
        '<?xml version="1.0" encoding="UTF-8"?><hs:sec xmlns:hs="http://www.hancom.co.kr/hwpml/2011/section" '
        f'xmlns:hp="http://www.hancom.co.kr/hwpml/2011/paragraph">{body}</hs:sec>'
    )
    entries = {"mimetype": "application/hwp+zip", "Contents/header.xml": "<head/>", "Contents/section0.xml": section}
    return zipped({**entries, **({"META-INF/manifest.xml": manifest} if manifest else {})})


_ODF = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" '
    'xmlns:presentation="urn:oasis:names:tc:opendocument:xmlns:presentation:1.0" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


def opendocument(kind: str, body: str, *, styles: str = "", masters: str = "", manifest: str = "") -> bytes:
    """`kind` is text, spreadsheet or presentation; `body` is what stands in it, `styles` the automatic styles, and
    `masters` what stands in the master page."""
    content = (
        f"<office:document-content {_ODF}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    page = f"<office:master-styles><style:master-page>{masters}</style:master-page></office:master-styles>"
    entries = {
        "mimetype": f"application/vnd.oasis.opendocument.{kind}",
        "content.xml": content,
        "styles.xml": f"<office:document-styles {_ODF}>{page}</office:document-styles>",
        "META-INF/manifest.xml": manifest or "<manifest/>",
    }
    return zipped(entries)


def epub(chapters: Sequence[str]) -> bytes:
    items = "".join(f'<item id="c{n}" href="text/{n}.xhtml"/>' for n in range(len(chapters)))
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        f"<dc:title>책</dc:title></metadata><manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    container = '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    pages = {f"OEBPS/text/{n}.xhtml": f"<html><body><p>{text}</p></body></html>" for n, text in enumerate(chapters)}
    return zipped(
        {"mimetype": "application/epub+zip", "META-INF/container.xml": container, "OEBPS/book.opf": package, **pages}
    )


def msg(texts: Mapping[str, str], attachments: Sequence[tuple[str, "bytes | Mapping[str, str]"]] = ()) -> bytes:
    """Outlook's message (MS-OXMSG): texts by the numbers of their properties; what is attached is bytes, or the texts
    of another message."""
    return compound(_message(texts, attachments, "", 32))


def _message(
    texts: Mapping[str, str],
    attachments: Sequence[tuple[str, "bytes | Mapping[str, str]"]],
    prefix: str,
    head: int,
) -> dict[str, bytes]:
    sent = struct.pack("<IIQ", 0x00390040, 6, 134_170_000_000_000_000)
    streams = {f"{prefix}__properties_version1.0": bytes(head) + sent}
    for number, text in texts.items():
        streams[f"{prefix}__substg1.0_{number}001F"] = text.encode("utf-16-le")
    for count, (name, content) in enumerate(attachments):
        place = f"{prefix}__attach_version1.0_#{count:08X}/"
        streams[f"{place}__properties_version1.0"] = bytes(8)
        streams[f"{place}__substg1.0_3707001F"] = name.encode("utf-16-le")
        if isinstance(content, bytes):
            streams[f"{place}__substg1.0_37010102"] = content
        else:
            streams |= _message(content, (), f"{place}__substg1.0_3701000D/", 24)
    return streams


def pdf(objects: Sequence[bytes], *, trailer: bytes = b"") -> bytes:
    """PDF 1.4 of the given objects, of which the first is the catalogue."""
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    begin, count = len(out), len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % count
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (count, trailer, begin)
    return bytes(out)


def pdf_in(encoding: str, ordering: str, text: bytes) -> bytes:
    """A page whose font is not in the file, and whose text is in one of the charsets of Adobe's CMaps."""
    content = b"BT /F1 12 Tf 50 700 Td <%s> Tj ET" % text.hex().encode()
    return pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</F1 5 0 R>>>>/Contents 4 0 R>>",
            b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
            b"<</Type/Font/Subtype/Type0/BaseFont/Font/Encoding/%s/DescendantFonts[6 0 R]>>" % encoding.encode(),
            b"<</Type/Font/Subtype/CIDFontType0/BaseFont/Font/CIDSystemInfo<</Registry(Adobe)/Ordering(%s)"
            b"/Supplement 1>>/DW 1000/FontDescriptor 7 0 R>>" % ordering.encode(),
            b"<</Type/FontDescriptor/FontName/Font/Flags 4/FontBBox[0 0 1000 1000]/ItalicAngle 0/Ascent 800"
            b"/Descent -200/StemV 80>>",
        ]
    )
