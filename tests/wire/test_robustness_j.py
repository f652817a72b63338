"""CSV and TSV, line by line of tests/robustness.md (J): what test_errors.py and test_types.py do not show already."""

import pytest

from client import counts, refused, six
from rude import CLOSE, MIB, chunked, errors_of, post, stream


@pytest.fixture(scope="module")
def shared(api):
    """For refusals only: nothing may ever change here."""
    d = api.create({"k": "text", "n": "number", "c": "checkbox"}, key="k")
    api.upsert_ok(d, [{"k": "old"}])
    return d, api.version(d)


@pytest.fixture
def dataset(api):
    return api.create({"k": "text", "n": "number", "c": "checkbox", "t": "text"}, key="k")


def nothing_changed(api, shared):
    dataset, version = shared
    assert api.version(dataset) == version and api.rows(dataset) == [{"k": "old"}]


def send(api, method, dataset, text, kind="text/csv"):
    return api.request(method, f"/resource/{dataset}.json", data=text if isinstance(text, bytes) else text.encode(), headers={"Content-Type": kind})


REFUSED = [  # id, text, words of the message
    ("J1_quote_opened_in_line_3", 'k,n\n1,2\n"3,4\n5,6\n7,8\n', ["line 3"]), ("J1_quote_opened_late", "k,n\n" + "1,2\n" * 500 + '"x,1\n' + "1,2\n" * 500, ["line 502"]),
    ("J1_quote_in_header", '"k,n\n1,2\n', ["line 1"]), ("J2_short", "k,n\n1,2\n3\n4,5\n", ["line 3", "2", "1"]), ("J2_long", "k,n\n1,2,3\n", ["line 2", "2", "3"]),
    ("J2_short_after_quoted_break", 'k,n\n"a\nb",1\n3\n', ["line 4"]), ("J2_empty_line_between", "k,n\n1,2\n\n3,4\n", ["line 3"]),
    ("J4_duplicate", "k,n,n\n1,2,3\n", ["n"]), ("J4_duplicate_by_case", "k,n,N\n1,2,3\n", ["n"]), ("J4_empty_name", "k,,n\n1,2,3\n", ["2"]),
    ("J4_blank_name", "k,  ,n\n1,2,3\n", ["2"]), ("J4_unknown", "k,zz\n1,2\n", ["Illegal field name sent", "zz"]), ("J4_no_bytes", "", ["header"]),
    ("J4_only_data", "1,2\n3,4\n", ["1"]), ("J4_only_line_ends", "\n\n\n", []),
    ("J6_semicolon", "k;n\n1;2\n", [";"]), ("J6_tab", "k\tn\n1\t2\n", ["tab"]), ("J6_bar", "k|n\n1|2\n", ["|"]),
    ("J7_thousands", 'k,n\n1,"1,234"\n', ["1,234", "line 2"]), ("J7_dollars", "k,n\n1,$5\n", ["$5"]), ("J7_percent", "k,n\n1,5%\n", ["5%"]),
    ("J12_mid_quote", 'k,n\n1,"2', []), ("J12_mid_escape", 'k,n\n1,"2""', []), ("J12_after_comma", "k,n\n1,2\n3,4,\n", [])]


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("text,says", [x[1:] for x in REFUSED], ids=[x[0] for x in REFUSED])
def test_malformed_csv_is_refused_whole_and_says_where(api, shared, text, says, method):
    refused(send(api, method, shared[0], text), 400, says=says)
    nothing_changed(api, shared)


BYTES = [("J5_latin1", "k,c\ncaf\u00e9,1\n".encode("latin-1"), 7, "iso-8859-1"), ("J5_windows", b"k,c\nsmart \x93quotes\x94,1\n", 10, "windows-1252"),
         ("J5_latin1_in_header", "caf\u00e9,c\n".encode("latin-1"), 3, "iso-8859-1"), ("J5_cut_utf8", b"k,c\na,\xe2\x82\n", 6, None),
         ("J5_utf16_bom", "k,c\n1,2\n".encode("utf-16"), 0, "utf-16")]


@pytest.mark.parametrize("raw,byte,guess", [x[1:] for x in BYTES], ids=[x[0] for x in BYTES])
def test_undeclared_bytes_are_refused_with_offset_and_guess(api, shared, raw, byte, guess):
    body = refused(send(api, "POST", shared[0], raw), 400)
    assert abs(body["data"]["byte"] - byte) <= 2, body
    assert guess is None or body["data"]["guess"] == guess and guess in body["message"], body
    nothing_changed(api, shared)


@pytest.mark.parametrize("charset,encoding", [("iso-8859-1", "latin-1"), ("windows-1252", "cp1252"), ("UTF-16", "utf-16"), ("utf-16le", "utf-16-le"),
                                              ("utf-16be", "utf-16-be"), ('"UTF-8"', "utf-8"), ("utf-8", "utf-8-sig")], ids=lambda c: "J5_declared_" + c.strip('"'))
def test_declared_charsets_are_converted(api, dataset, charset, encoding):
    assert six(send(api, "POST", dataset, "k,t\n1,caf\u00e9\n".encode(encoding), f"text/csv; charset={charset}")) == counts(created=1)
    assert api.rows(dataset) == [{"k": "1", "t": "caf\u00e9"}]


@pytest.mark.parametrize("charset,raw", [("us-ascii", b"k\ncaf\xc3\xa9\n"), ("windows-1252", b"k\n\x81\n"), ("utf-16le", "k\n\ud800x\n".encode("utf-16-le", "surrogatepass")),
                                         ("utf-16be", b"\0k\0\n\0"), ("utf-16", b"\xff\xfek\0\n\0\0\xdc")], ids=["J5_ascii", "J5_hole", "J5_surrogate", "J5_odd", "J5_low"])
def test_bytes_without_meaning_in_the_declared_charset_are_refused(api, shared, charset, raw):
    refused(send(api, "POST", shared[0], raw, f"text/csv; charset={charset}"), 400)
    nothing_changed(api, shared)


ENDS = [("J3_lf", "k,n\n1,2\n3,4\n"), ("J3_crlf", "k,n\r\n1,2\r\n3,4\r\n"), ("J3_cr", "k,n\r1,2\r3,4\r"), ("J3_mixed", "k,n\r1,2\n3,4\r\n"), ("J3_bom", "\ufeffk,n\n1,2\n3,4\n"),
        ("J3_empty_at_end", "k,n\n1,2\n3,4\n\n\r\n\n"), ("J12_no_final_newline", "k,n\n1,2\n3,4"), ("J12_no_final_newline_quoted", 'k,n\n1,2\n3,"4"'), ("J12_final_cr", "k,n\n1,2\n3,4\r"),
        ("J4_header_in_quotes", '"k" , "n"\n1,2\n3,4\n'.replace('" , "', '","')), ("J4_header_case_and_blanks", " K ,N \n1,2\n3,4\n")]


@pytest.mark.parametrize("text", [x[1] for x in ENDS], ids=[x[0] for x in ENDS])
@pytest.mark.parametrize("slices", [0, 1, 3])
def test_records_end_in_any_way_and_slices_do_not_matter(api, dataset, text, slices):
    raw = text.encode()
    body = raw if not slices else (raw[i:i + slices] for i in range(0, len(raw), slices))
    reply = api.post(f"/resource/{dataset}.json", data=body, headers={"Content-Type": "text/csv"})
    assert six(reply) == counts(created=2), reply.text
    assert api.rows(dataset) == [{"k": "1", "n": "2"}, {"k": "3", "n": "4"}]


@pytest.mark.parametrize("text", ["k,n\n", "k,n", '"k"'], ids=["J4_header_only", "J4_header_only_cut", "J4_header_only_quoted"])
def test_a_header_alone_is_no_rows(api, dataset, text):
    assert six(send(api, "POST", dataset, text)) == counts()


def test_J7_cells_mean_what_their_column_says(api, dataset):
    text = "k,n,c,t\n007,007,TRUE,007\n1e5,1e5,no,1e5\n\"1,234\",+5,0,\"1,234\"\n$5,.5,Y,$5\n"
    assert six(send(api, "POST", dataset, text)) == counts(created=4)
    assert api.rows(dataset) == [{"k": "007", "n": "7", "c": True, "t": "007"}, {"k": "1e5", "n": "100000", "c": False, "t": "1e5"},
                                 {"k": "1,234", "n": "5", "c": False, "t": "1,234"}, {"k": "$5", "n": "0.5", "c": True, "t": "$5"}]


def test_J8_empty_and_quoted_empty_are_null(api, dataset):
    assert six(send(api, "POST", dataset, 'k,n,t\n1,,\n2,"",""\n')) == counts(created=2)
    assert api.rows(dataset) == [{"k": "1"}, {"k": "2"}]


def test_J10_nul_in_a_cell_is_dropped_and_counted_and_in_the_header_refused(api, dataset, shared):
    reply = send(api, "POST", dataset, b"k,t\n1,a\0b\n")
    assert six(reply) == counts(created=1) and reply.json()["Warnings"], reply.text
    assert api.rows(dataset) == [{"k": "1", "t": "ab"}]
    refused(send(api, "POST", shared[0], b"k\0,n\n1,2\n"), 400)
    nothing_changed(api, shared)


@pytest.mark.parametrize("cell", ["=SUM(A1)", "+1+1", "-1+1", "@x", "=cmd|' /C calc'!A0", "\tx", "'x"], ids=lambda c: "J11_" + repr(c))
def test_formulas_are_data_in_and_out(api, dataset, cell):
    assert six(api.upsert(dataset, [{"k": "1", "t": cell}])) == counts(created=1)
    out = api.get(f"/resource/{dataset}.csv", params={"$select": "k,t"}).text
    assert out == '"k","t"\n"1","%s"\n' % cell
    assert six(send(api, "PUT", dataset, out)) == counts(created=1)
    assert api.rows(dataset) == [{"k": "1", "t": cell}]


HUGE = [("J9_one_line_of_10_MB", (b"x" * MIB for _ in range(10))), ("J9_million_columns", (b"c%d," % i for i in range(1000000))),
        ("J9_million_commas", (b"," * MIB for _ in range(10))), ("J9_2001_columns", (b"".join(b"c%d," % i for i in range(2000)) + b"z\n" for _ in range(1)))]


@pytest.mark.parametrize("pieces", [x[1] for x in HUGE], ids=[x[0] for x in HUGE])
def test_huge_headers_are_refused_early(server, api, shared, pieces):
    def joined():
        held = b""
        for piece in pieces:
            held += piece
            if len(held) >= 60000:
                yield held
                held = b""
        yield held
    reply, sent = stream(server, post(shared[0], CLOSE + b"Transfer-Encoding: chunked\r\n", kind=b"text/csv"), chunked(joined()))
    assert reply and reply[0] == 400, reply
    errors_of(reply[2])
    nothing_changed(api, shared)


TSV = [("J3_tsv", "k\tt\n1\ta b\n", "a b"), ("J3_tsv_quote_inside", 'k\tt\n1\t5" pipe\n', '5" pipe'), ("J3_tsv_quoted", 'k\tt\n1\t"a\tb"\n', "a\tb"), ("J3_tsv_comma", "k\tt\n1\ta,b\n", "a,b")]


@pytest.mark.parametrize("text,cell", [x[1:] for x in TSV], ids=[x[0] for x in TSV])
def test_tsv(api, dataset, text, cell):
    assert six(send(api, "POST", dataset, text, "text/tab-separated-values")) == counts(created=1)
    assert api.rows(dataset) == [{"k": "1", "t": cell}]
