"""Compression, line by line of tests/robustness.md (L): bombs, damage and codings that are not taken."""

import contextlib
import gzip
import random
import struct
import time
import zlib

import pytest

from client import counts, refused, six
from rude import BASIC, CLOSE, MIB, connect, errors_of, get, post, read_reply, stream

GZIP = {"Content-Type": "application/json", "Content-Encoding": "gzip"}


@pytest.fixture(scope="module")
def shared(api):
    d = api.create({"k": "text", "a": "text"}, key="k")
    api.upsert_ok(d, [{"k": "old"}])
    return d, api.version(d)


def nothing_changed(api, shared):
    dataset, version = shared
    assert api.version(dataset) == version and api.rows(dataset) == [{"k": "old"}]


def send(api, dataset, body, **headers):
    return api.post(f"/resource/{dataset}.json", data=body, headers=dict(GZIP, **headers))


GOOD = gzip.compress(b'[{"k":"1","a":"' + b"x" * 500 + b'"}]')


def flipped(at, bit=1):
    body = bytearray(GOOD)
    body[at] ^= bit
    return bytes(body)


DAMAGED = [("L1_empty", b""), ("L1_magic", b"\x1f"), ("L1_header_only", GOOD[:10]), ("L1_cut_in_trailer", GOOD[:-1]), ("L1_bad_crc", flipped(-8)), ("L1_bad_length", flipped(-4)),
           ("L1_trailing_byte", GOOD + b"x"), ("L1_trailing_zeros", GOOD + b"\0" * 100), ("L1_no_gzip", b"[]"), ("L1_zlib", zlib.compress(b"[]")), ("L1_reserved_flags", flipped(3, 0xe0)),
           ("L1_other_method", flipped(2)), ("L1_second_member_cut", GOOD + GOOD[:20]), ("L1_second_member_bad_crc", gzip.compress(b"[") + flipped(-8)),
           ("L2_nested", gzip.compress(GOOD)), ("L1_huge_name_field", b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"n" * 100000), ("L1_cut_in_extra", b"\x1f\x8b\x08\x04\0\0\0\0\0\x03\xff\xff\x01")]


@pytest.mark.parametrize("body", [x[1] for x in DAMAGED], ids=[x[0] for x in DAMAGED])
def test_damaged_gzip_is_refused(api, shared, body):
    refused(send(api, shared[0], body), 400)
    nothing_changed(api, shared)


def test_L1_cut_or_changed_anywhere_is_refused_or_the_same(api, shared):
    rng = random.Random(1)
    for cut in sorted(rng.sample(range(len(GOOD)), 15)):
        refused(send(api, shared[0], GOOD[:cut]), 400)
    for at in range(10, len(GOOD)):
        body = flipped(at, 1 << rng.randrange(8))
        with contextlib.suppress(gzip.BadGzipFile, zlib.error, EOFError):
            assert gzip.decompress(body) == gzip.decompress(GOOD)
            continue  # the same text, written in another way
        refused(send(api, shared[0], body), 400)
    nothing_changed(api, shared)


def test_L1_members_are_read_one_after_another_and_header_fields_skipped(api):
    dataset = api.create({"k": "text"}, key="k")
    named = b"\x1f\x8b\x08\x1e" + b"\0" * 6 + struct.pack("<H", 4) + b"abcd" + b"name\0" + b"comment\0"
    named += struct.pack("<H", zlib.crc32(named) & 0xffff)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    text = b'{"k":"2"}]'
    named += packer.compress(text) + packer.flush() + struct.pack("<II", zlib.crc32(text), len(text))
    assert six(send(api, dataset, gzip.compress(b'[{"k":"1"},') + gzip.compress(b"") + named)) == counts(created=2)


def bomb(total, inner):
    """total bytes of one character between brackets, as gzip."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield packer.compress(inner[0])
    for _ in range(total // MIB):
        yield packer.compress(inner[1] * MIB)
    yield packer.compress(inner[2]) + packer.flush()


BOMBS = [("L2_blanks_256_MiB", (b"[", b" ", b"]"), b"application/json"), ("L2_text_256_MiB", (b'[{"k":"', b"x", b'"}]'), b"application/json"),
         ("L2_csv_256_MiB", (b"k\n", b"x", b"\n"), b"text/csv"), ("L2_digits_256_MiB", (b'[{"k":', b"1", b"}]"), b"application/json"),
         ("L2_brackets_256_MiB", (b"[", b"[", b""), b"application/json"), ("L2_newlines_256_MiB", (b'{"k":"1"}', b"\n", b""), b"application/x-ndjson")]


@pytest.mark.parametrize("inner,kind", [x[1:] for x in BOMBS], ids=[x[0] for x in BOMBS])
def test_a_bomb_is_refused_at_a_limit_long_before_its_end(server, api, shared, inner, kind):
    body = b"".join(bomb(256 * MIB, inner))
    assert len(body) < 2 * MIB
    started = time.process_time()
    reply, _ = stream(server, post(shared[0], CLOSE + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n" % len(body), kind=kind),
                      (body[i:i + 65536] for i in range(0, len(body), 65536)))
    assert reply and reply[0] in (413, 400), reply
    said = errors_of(reply[2])
    assert reply[0] == 400 or "limit" in said["data"] or "limit" in said["message"], said
    assert time.process_time() - started < 10
    nothing_changed(api, shared)


def test_L2_what_compresses_well_but_honestly_passes(api):
    """Up to 16 MiB of output any ratio is fine: a column of equal values is no bomb."""
    dataset = api.create({"k": "number", "a": "text"}, key="k")
    rows = b"k,a\n" + b"".join(b"%d,%s\n" % (i, b"same" * 50) for i in range(20000))
    reply = api.post(f"/resource/{dataset}.json", data=gzip.compress(rows, 9), headers={"Content-Type": "text/csv", "Content-Encoding": "gzip"})
    assert six(reply) == counts(created=20000)


CODINGS = ["br", "zstd", "deflate", "compress", "gzip, gzip", "gzip,br", ", ".join(["gzip"] * 50), "identity, gzip", "gzip;q=1", "\"gzip\"", "gz\u00edp", "chunked"]


@pytest.mark.parametrize("coding", CODINGS, ids=lambda c: "L3_" + ascii(c)[:20])
def test_other_codings_are_415_and_say_what_is_taken(server, api, shared, coding):
    with connect(server) as tls:
        tls.sendall(post(shared[0], b"Content-Encoding: " + coding.encode() + b"\r\nContent-Length: 2\r\n", b"[]"))
        status, headers, body = read_reply(tls)
    assert status == 415 and "gzip" in headers.get("accept-encoding", "") and "gzip" in errors_of(body)["message"], (status, headers)


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", "identity"], ids=lambda c: "L3_taken_" + c)
def test_names_of_gzip(api, coding):
    dataset = api.create({"k": "text"}, key="k")
    body = b'[{"k":"1"}]'
    assert six(send(api, dataset, body if coding == "identity" else gzip.compress(body), **{"Content-Encoding": coding})) == counts(created=1)


def test_L3_a_second_coding_header_is_no_way_round(server, api, shared):
    with connect(server) as tls:
        tls.sendall(post(shared[0], b"Content-Encoding: gzip\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n" % len(GOOD), GOOD))
        assert read_reply(tls)[0] in (400, 415)
    nothing_changed(api, shared)


@pytest.mark.parametrize("value", [b"gzip;q=1," * 10000, b"," * 100000, b"*;q=0", b"gzip;q=" + b"9" * 50000, b"\xff" * 1000], ids=lambda v: f"L6_{v[:8]!r}_{len(v)}")
def test_an_accept_encoding_is_never_an_error(server, shared, value):
    with connect(server) as tls:
        tls.sendall(get(f"/resource/{shared[0]}.json", headers=b"Accept-Encoding: " + value + b"\r\n", auth=BASIC))
        status, headers, body = read_reply(tls)
    assert status == 200 and "content-encoding" not in headers and body.startswith(b'[{"k":"old"}')
