"""Files that are made to harm whoever reads them. Each function makes one."""

import bz2
import gzip
import io
import itertools
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import py7zr

from support import office

_MEGABYTE = 1024 * 1024
Maker = Callable[[], bytes]


def _zeros(size: int) -> bytes:
    """Raw deflate data of so many zero bytes: a block over and over."""
    deflate = zlib.compressobj(9, wbits=-15)
    block = deflate.compress(bytes(_MEGABYTE)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return block * (size // _MEGABYTE) + b"\x03\x00"


def _packed(name: str, content: bytes, method: int, size: int, check: int = 0, *, said: int | None = None) -> bytes:
    """A ZIP file of one entry, written by hand; `said` is its size as the directory has it."""
    encoded = name.encode()
    common = struct.pack("<HHHHIII", 0, method, 0, 0, check, len(content), size if said is None else said)
    names = struct.pack("<HH", len(encoded), 0)
    local = b"PK\x03\x04" + struct.pack("<H", 20) + common + names + encoded
    directory = b"PK\x01\x02" + struct.pack("<HH", 20, 20) + common + names + struct.pack("<HHHII", 0, 0, 0, 0, 0)
    directory += encoded
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), len(local) + len(content), 0)
    return local + content + directory + end


def zip_bomb() -> bytes:
    return _packed("zeros.txt", _zeros(1024 * _MEGABYTE), 8, 1024 * _MEGABYTE)


def nested_zip_bomb() -> bytes:
    """As 42.zip: sixteen times sixteen times sixteen files."""
    data = office.zipped({"0.dll": bytes(4 * _MEGABYTE)})
    for _ in range(3):
        data = office.zipped({f"lib {number}.zip": data for number in range(16)})
    return data


def overlapping_zip() -> bytes:
    """Every entry of the directory is at the same place (as in Fifield's, 2019)."""
    data = office.zipped({"a": bytes(8 * _MEGABYTE)})
    begin, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entry, count = data[begin:end], 1_500
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(entry) * count, begin, 0)
    return data[:begin] + entry * count + tail


def lying_zip() -> bytes:
    """It says that its file has ten bytes."""
    return _packed("a.txt", _zeros(300 * _MEGABYTE), 8, 300 * _MEGABYTE, said=10)


def deep_zip() -> bytes:
    data = b"text"
    for _ in range(2_000):
        data = _packed("a.zip", data, 0, len(data), zlib.crc32(data))
    return data


def gzip_bomb() -> bytes:
    zeros = _zeros(1024 * _MEGABYTE)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + zeros + bytes(8)


def gzips_in_gzips() -> bytes:
    data = bytes(20 * _MEGABYTE)
    for _ in range(50):
        data = gzip.compress(data, 6)
    return data


def bz2_bomb() -> bytes:
    return bz2.compress(bytes(10 * _MEGABYTE), 1) * 30


def xz_bomb() -> bytes:
    return lzma.compress(bytes(10 * _MEGABYTE), preset=1) * 30


def xz_that_wants_memory() -> bytes:
    small = lzma.compress(b"x", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 4096}])
    # The dictionary's size is one byte of the block's head, which has a check of its own.
    block = bytearray(small[12:24])
    place = block.index(b"\x21\x01") + 2
    block[place] = 39  # 3 GiB
    block[8:12] = struct.pack("<I", zlib.crc32(bytes(block[:8])))
    return small[:12] + bytes(block) + small[24:]


def sevenzip_bomb() -> bytes:
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w", filters=[{"id": py7zr.FILTER_LZMA2, "preset": 1}]) as archive:
        archive.writestr(bytes(30 * _MEGABYTE), "zeros")
    return buffer.getvalue()


def sparse_tar() -> bytes:
    """A file of a terabyte that takes no place (GNU's old format)."""
    entry = tarfile.TarInfo("sparse")
    head = bytearray(entry.tobuf(tarfile.GNU_FORMAT))
    head[156:157] = b"S"
    head[386:398], head[398:410] = b"00000000000\x00", b"00000000000\x00"
    head[483:495] = b"77777777777\x00"
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\x00 " % sum(head)
    return bytes(head) + bytes(1024)


def tar_that_never_ends() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for number in range(5_000):
            archive.addfile(tarfile.TarInfo(f"{number}"))
    return buffer.getvalue()


LAUGHS = (
    '<!DOCTYPE a [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in itertools.pairwise("abcdefghij"))
    + "]>"
)
QUADRATIC = f'<!DOCTYPE a [<!ENTITY a "{"x" * 100_000}">]>'
EXTERNAL = '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def _documents(xml: str) -> dict[str, bytes]:
    """The same XML as the main part of every format that has one."""
    types = "[Content_Types].xml"
    return {
        "docx": office.zipped({types: "<a/>", "word/document.xml": xml}),
        "xlsx": office.zipped({types: "<a/>", "xl/workbook.xml": xml, "xl/sharedStrings.xml": xml}),
        "pptx": office.zipped({types: "<a/>", "ppt/presentation.xml": "<a/>", "ppt/slides/slide1.xml": xml}),
        "odt": office.zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": xml}),
        "ods": office.zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": xml}),
        "hwpx": office.zipped({"mimetype": "application/hwp+zip", "Contents/section0.xml": xml}),
        "epub": office.zipped({"mimetype": "application/epub+zip", "META-INF/container.xml": xml}),
        "svg": xml.replace("<p>", "<svg>").replace("</p>", "</svg>").encode(),
    }


def xml_bombs() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for kind, head, body in (
        ("laughs", LAUGHS, "<p>&j;</p>"),
        ("quadratic", QUADRATIC, f"<p>{'&a;' * 20_000}</p>"),
        ("external", EXTERNAL, "<p>&a;</p>"),
        ("deep", "", "<p>" * 10_000 + "</p>" * 10_000),
        ("deeper", "", "<table-row><tr>" * 500_000),
        ("long", "", f"<p><t>{'a' * 30_000_000}</t></p>"),
    ):
        found |= {f"{kind} {name}": data for name, data in _documents(head + body).items()}
    return found


def sheet_of_empty_rows() -> bytes:
    rows = "".join(f'<row r="{number}"/>' for number in range(1, 500_001))
    return _sheet(rows + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')


def sheet_of_two_far_cells() -> bytes:
    return _sheet('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>')


def sheet_of_a_huge_string() -> bytes:
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 3_000))
    return _sheet(cells, f"<sst><si><t>{'x' * 1_000_000}</t></si></sst>")


def _sheet(rows: str, strings: str = "<sst/>") -> bytes:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packages = "http://schemas.openxmlformats.org/package/2006/relationships"
    return office.zipped(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": f'<Relationships xmlns="{packages}"><Relationship Id="r0" '
            f'Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>'
            '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{packages}"><Relationship Id="r1" '
            f'Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" '
            f'Type="{relations}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
            "xl/sharedStrings.xml": strings.replace("<sst", f'<sst xmlns="{main}"', 1),
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
        }
    )


def pdf_page_loop() -> bytes:
    return office.pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 1000000>>"])


def pdf_table_loop() -> bytes:
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"]
    data = office.pdf(objects, trailer=b"/Prev 0000000000")
    return data.replace(b"/Prev 0000000000", b"/Prev %010d" % data.index(b"xref\n"))


def pdf_stream_loop() -> bytes:
    stream = b"<</Type/ObjStm/N 1/First 4/Extends 3 0 R/Length 3 0 R>>stream\n3 0 \nendstream"
    return office.pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", stream])


def pdf_form_loop() -> bytes:
    """A page that draws a form that draws itself."""
    head = b"<</Type/XObject/Subtype/Form/BBox[0 0 1 1]/Resources<</XObject<</F 4 0 R>>>>/Length 11>>"
    form = head + b"stream\n/F Do /F Do\nendstream"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<</XObject<</F 4 0 R>>>>/Contents 4 0 R>>"
    return office.pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page, form])


def pdf_stream_bomb() -> bytes:
    packed = zlib.compress(zlib.compress(b"BT (x) Tj ET " * (60 * _MEGABYTE // 13), 9), 9)
    content = b"<</Length %d/Filter[/FlateDecode/FlateDecode]>>stream\n%s\nendstream" % (len(packed), packed)
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>"
    return office.pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page, content])


def pdf_deep() -> bytes:
    return office.pdf([b"[" * 200_000, b"<<" * 200_000])


def png_of_huge_size() -> bytes:
    head = struct.pack(">IIBBBBB", 2_000_000_000, 2_000_000_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


def tiff_loop() -> bytes:
    return b"II*\x00\x08\x00\x00\x00\x01\x00\x69\x87\x04\x00\x01\x00\x00\x00\x08\x00\x00\x00\x08\x00\x00\x00"


def deep_mime() -> bytes:
    head = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(10_000))
    return f"From: a@example.com\nSubject: x\nMIME-Version: 1.0\n{head}text".encode()


def deep_messages() -> bytes:
    return b"From: a@example.com\nSubject: x\nContent-Type: message/rfc822\n\n" * 10_000 + b"text"


def rtf_of_a_million_groups() -> bytes:
    return b"{\\rtf1 " + b"{\\b x}" * 1_000_000 + b"}"


def rtf_that_is_deep() -> bytes:
    return b"{\\rtf1 " + b"{" * 5_000_000


def calendar_without_end() -> bytes:
    rule = "RRULE:FREQ=SECONDLY;COUNT=999999999;BYSECOND=" + ",".join(map(str, range(60)))
    event = f"BEGIN:VEVENT\r\nSUMMARY:x\r\nDTSTART:00010101T000000Z\r\n{rule}\r\nEND:VEVENT\r\n"
    return f"BEGIN:VCALENDAR\r\n{event * 5}END:VCALENDAR\r\n".encode()


def calendar_that_is_deep() -> bytes:
    return b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 100_000


def contacts_without_end() -> bytes:
    return b"BEGIN:VCARD\r\nFN;" + b'X="' * 100_000 + b"\r\n" + b"NOTE;QUOTED-PRINTABLE:=\r\n" * 100_000


def ole_table_loop() -> bytes:
    """Each sector is followed by itself."""
    data = bytearray(office.compound({"WordDocument": bytes(20_000)}))
    begin = len(data) - 512
    for place in range(40):
        struct.pack_into("<I", data, begin + 4 * place, place)
    return bytes(data)


def ole_directory_loop() -> bytes:
    data = bytearray(office.compound({"WordDocument": bytes(5_000), "1Table": bytes(5_000)}))
    at = data.index("Root Entry".encode("utf-16-le"))
    for entry in range(3):
        struct.pack_into("<III", data, at + 128 * entry + 68, 1, 2, 1)
    return bytes(data)


def doc_of_overlapping_pieces() -> bytes:
    """A piece table in which each of many pieces is all of the text."""
    count, size = 30_000, 100_000
    head = bytearray(0x400)
    struct.pack_into("<HxxxxxxxxH", head, 0, 0xA5EC, 0x0200)
    positions = [number * size % 0xFFFFFFFF for number in range(count + 1)]
    pieces = struct.pack(f"<{count + 1}I", *sorted(positions)) + struct.pack("<HIH", 0, 0x400, 0) * count
    clx = struct.pack("<BI", 2, len(pieces)) + pieces
    struct.pack_into("<II", head, 0x01A2, 0, len(clx))
    return office.compound({"WordDocument": bytes(head) + b"x\x00" * size, "1Table": clx})


def ppt_that_is_deep() -> bytes:
    data = b""
    for _ in range(5_000):
        data = struct.pack("<HHI", 0xF, 0x03EE, len(data)) + data
    return office.compound({"PowerPoint Document": data, "Current User": bytes(20)})


def hwp_bomb() -> bytes:
    header = b"HWP Document File".ljust(32, b"\x00") + struct.pack("<II", 0x05010000, 1)
    return office.compound({"FileHeader": header.ljust(256, b"\x00"), "BodyText/Section0": _zeros(1024 * _MEGABYTE)})


def page_of_many_elements() -> bytes:
    return b"<html>" + b"<div><b>" * 1_000_000


def text_of_one_line() -> bytes:
    return b"a," * 20_000_000


def zip_of_many_names() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"{number}", b"")
    return buffer.getvalue()


MAKERS: dict[str, Maker] = {
    maker.__name__.replace("_", " "): maker
    for maker in (
        zip_bomb, nested_zip_bomb, overlapping_zip, lying_zip, deep_zip, zip_of_many_names, gzip_bomb, gzips_in_gzips,
        bz2_bomb, xz_bomb, xz_that_wants_memory, sevenzip_bomb, sparse_tar, tar_that_never_ends, sheet_of_empty_rows,
        sheet_of_two_far_cells, sheet_of_a_huge_string, pdf_page_loop, pdf_table_loop, pdf_stream_loop, pdf_form_loop,
        pdf_stream_bomb, pdf_deep, png_of_huge_size, tiff_loop, deep_mime, deep_messages, rtf_of_a_million_groups,
        rtf_that_is_deep, calendar_without_end, calendar_that_is_deep, contacts_without_end, ole_table_loop,
        ole_directory_loop, doc_of_overlapping_pieces, ppt_that_is_deep, hwp_bomb, page_of_many_elements,
        text_of_one_line,
    )
}  # fmt: skip
