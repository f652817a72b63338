"""docs/rights.md is true, and the tables of rights are what they are meant to be."""

import rights_document


def test_the_page_is_made_from_the_tables(server):
    text, made = rights_document.read(), rights_document.tables(server.binary)
    assert set(made) == {"actions", "routes"}
    assert rights_document.written(text, made) == text, "docs/rights.md is old: SELTZER=build/seltzer python3 tests/wire/rights_document.py"
