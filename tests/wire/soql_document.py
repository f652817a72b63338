"""docs/soql.md as something to run: its datasets, its examples and the tables of its functions.

Run as a program, with a server's binary in SELTZER, it writes anew what is generated in it: the tables, and every result that is
written as a question mark. Read what it wrote before you believe it."""

import csv
import io
import json
import os
import re
import subprocess
import sys

PATH = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "soql.md")
TABLE = re.compile(r"^<!-- functions: (\w+) -->$")
EXPRESSION = re.compile(r"^\| `(.+)` \| (.*) \|$")
CALL = re.compile(r"[a-z_][a-z0-9_]*(?=\()|\.[a-z_]+")


class Example:
    """kind: "soql", "url", "expression" or "aggregate". asked: the query, the path, the expression. form: of the result, "csv",
    "json", "error" or "value". at: where the result stands, as lines [from, to)."""

    def __init__(self, kind, line, asked, form, options, at):
        self.kind, self.line, self.asked, self.form, self.options, self.at = kind, line, asked, form, options, at

    def __repr__(self):
        return f"soql.md:{self.line + 1}"


class Document:
    def __init__(self, path=PATH):
        with open(path, encoding="utf-8") as f:
            self.lines = f.read().splitlines()
        self.examples, self.datasets, self.tables = [], [], {}
        self.read()

    def fence(self, i):
        """The block that begins at line i: its words, the lines of its text, the line after it."""
        end = self.lines.index("```", i + 1)
        return self.lines[i][3:].split(), (i + 1, end), end + 1

    def text(self, at):
        return "\n".join(self.lines[at[0]:at[1]])

    def read(self):
        i, kind = 0, None
        while i < len(self.lines):
            line = self.lines[i]
            if line.startswith("```csv dataset=") and "types=" in line:
                words, at, i = self.fence(i)
                self.datasets.append((dict(w.split("=") for w in words[1:]), self.text(at)))
                continue
            if line.startswith(("```soql", "```url")):
                start = i
                words, asked, i = self.fence(i)
                (form, *options), at, i = self.fence(i)
                self.examples.append(Example(words[0], start, self.text(asked), form, dict(w.split("=") for w in options), at))
                continue
            found = TABLE.match(line)
            if found:
                end = self.lines.index("<!-- end -->", i)
                self.tables[found[1]] = (i, end + 1)
                i, kind = end, None
            elif line in ("| expression | result |", "| aggregate | result |"):
                kind = line.split()[1]
            elif not line.startswith("|"):
                kind = None
            found = EXPRESSION.match(line) if kind else None
            if found:
                self.examples.append(Example(kind, i, found[1].replace("\\|", "|"), "value", {}, (i, i + 1)))
            i += 1

    def expected(self, example):
        if example.form == "value":
            return EXPRESSION.match(self.lines[example.at[0]])[2]
        return self.text(example.at)

    def table(self, group):
        first, end = self.tables[group]
        return "\n".join(self.lines[first:end])

    def calls(self):
        """What is called in any of the examples: names before a parenthesis, and members."""
        return {name for e in self.examples for name in CALL.findall(e.asked.lower())}


def load(api, document):
    """Creates the datasets and loads their rows."""
    for options, text in document.datasets:
        header = text.split("\n", 1)[0].split(",")
        kinds = options["types"].split(",")
        dataset = api.create(dict(zip(header, kinds)), key=options.get("key"), public=True, resourceName=options["dataset"])
        reply = api.send_csv("POST", dataset, text)
        assert reply.status_code == 200 and reply.json()["Errors"] == 0, reply.text


def shown(value):
    """As the tables show it; what is no value and what is no text stand without back-ticks."""
    if value is None:
        return "null"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "`" + text.replace("|", "\\|") + "`" if text else "the empty text"


def query_of(example):
    """An expression is asked of the row S1, an aggregate of all."""
    if example.kind == "expression":
        return f"SELECT {example.asked} AS x WHERE station = 'S1'"
    return f"SELECT {example.asked} AS x" if example.kind == "aggregate" else example.asked


def ask(api, example):
    """What the server answers, in the form in which the document has it."""
    if example.kind == "url":
        path, _, query = example.asked.partition("?")
        params = dict(clause.split("=", 1) for clause in query.split("&"))
        reply = api.get(path, params=params)
    else:
        extension = "csv" if example.form == "csv" else "json"
        dataset = example.options.get("dataset", "stations")
        reply = api.get(f"/resource/{dataset}.{extension}", params={"$query": query_of(example)})
    if example.form == "error":
        assert reply.status_code == 400, f"{example}: {reply.status_code} {reply.text}"
        return reply.json()["errorCode"] + "\n" + reply.json()["message"]
    assert reply.status_code == 200, f"{example}: {reply.text}"
    if example.form == "value":
        return shown(reply.json()[0].get("x"))
    return reply.text.rstrip("\n")


def same(example, got, expected):
    """CSV is compared by its cells: the document has fewer quotes than the server."""
    if example.form == "csv":
        return list(csv.reader(io.StringIO(got))) == list(csv.reader(io.StringIO(expected)))
    return got == expected


def plain_csv(text):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(csv.reader(io.StringIO(text)))
    return out.getvalue().rstrip("\n")


def generated_tables(binary):
    said = subprocess.run([binary, "soql", "functions", "--markdown"], capture_output=True, check=True, text=True).stdout
    tables = {}
    for table in said.split("<!-- end -->\n")[:-1]:
        tables[TABLE.match(table.split("\n", 1)[0])[1]] = table + "<!-- end -->"
    return tables


def write_anew(document, api, binary):
    replaced = []  # (from, to, lines)
    for group, table in generated_tables(binary).items():
        if group in document.tables:
            replaced.append((*document.tables[group], table.split("\n")))
        else:
            print(f"no place for the functions of {group}", file=sys.stderr)
    for example in document.examples:
        if document.expected(example) != "?":
            continue
        try:
            got = ask(api, example)
        except AssertionError as e:
            print(e, file=sys.stderr)
            continue
        if example.form == "value":
            cell = example.asked.replace("|", "\\|")
            lines = [f"| `{cell}` | {got} |"]
        else:
            lines = (plain_csv(got) if example.form == "csv" else got).split("\n")
        replaced.append((*example.at, lines))
    for first, end, lines in sorted(replaced, key=lambda r: -r[0]):
        document.lines[first:end] = lines
    with open(PATH, "w", encoding="utf-8") as f:
        f.write("\n".join(document.lines) + "\n")


def main():
    import tempfile

    from client import Server

    with tempfile.TemporaryDirectory() as folder:
        server = Server(os.path.join(folder, "data")).start()
        document = Document()
        load(server.api(), document)
        write_anew(document, server.api(), server.binary)
        server.stop()


if __name__ == "__main__":
    main()
