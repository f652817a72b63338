"""docs/soql.md is true: its tables are those of the functions, and every example gives what stands below it."""

import os
import re

import pytest

import soql_document

DOCUMENT = soql_document.Document()
BINARY = os.environ.get("SELTZER", "build/asan/seltzer")


@pytest.fixture(scope="module")
def loaded(api):
    soql_document.load(api, DOCUMENT)
    return api


@pytest.mark.parametrize("example", [e for e in DOCUMENT.examples if e.form != "value"], ids=repr)
def test_queries_give_what_the_document_says(loaded, example):
    got, expected = soql_document.ask(loaded, example), DOCUMENT.expected(example)
    assert soql_document.same(example, got, expected), f"{example}\n{got}"


def test_expressions_give_what_the_document_says(loaded):
    wrong = []
    for example in DOCUMENT.examples:
        if example.form == "value" and soql_document.ask(loaded, example) != DOCUMENT.expected(example):
            wrong.append(f"{example} {example.asked}: {soql_document.ask(loaded, example)}")
    assert not wrong, "\n".join(wrong)


def test_the_tables_are_those_of_the_functions():
    tables = soql_document.generated_tables(BINARY)
    assert set(tables) == set(DOCUMENT.tables)
    for group, table in tables.items():
        assert DOCUMENT.table(group) == table, f"{group}: run tests/wire/soql_document.py"




def test_every_function_has_an_example():
    """By its name; x.member counts for <type>_member, and an operator's text for it."""
    asked = "\n".join(e.asked for e in DOCUMENT.examples)
    calls = DOCUMENT.calls()
    missing = []
    for table in soql_document.generated_tables(BINARY).values():
        for call in re.findall(r"^\| `(.+?)` \|", table, re.M):
            name = re.match(r"([a-z_][a-z0-9_]*)\(", call)
            if name:
                member = "." + name[1].split("_", 1)[-1].removeprefix("timestamp_")
                if name[1] not in calls and member not in calls:
                    missing.append(call)
            else:
                words = [w for w in re.findall(r"[A-Z]+(?: [A-Z]+)*|[^\w\s(),.…\[\]]+|::\w+|\[", call.replace("\\|", "|"))]
                if not all(w in asked for w in words):
                    missing.append(call)
    assert not missing, missing
