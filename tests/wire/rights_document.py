"""docs/rights.md: its tables are those of the server. Run as a program, with a server's binary in SELTZER, it writes them anew."""

import os
import re
import subprocess
import sys

PATH = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "rights.md")
TABLE = re.compile(r"<!-- (actions|routes) -->\n.*?<!-- end -->\n", re.S)


def tables(binary):
    """The generated tables by name, as the binary makes them."""
    out = subprocess.run([binary, "rights", "--markdown"], capture_output=True, text=True, check=True).stdout
    return {m.group(1): m.group(0) for m in TABLE.finditer(out)}


def written(text, made):
    return TABLE.sub(lambda m: made[m.group(1)], text)


def read():
    with open(PATH, encoding="utf-8") as f:
        return f.read()


if __name__ == "__main__":
    fresh = written(read(), tables(sys.argv[1] if len(sys.argv) > 1 else os.environ["SELTZER"]))
    with open(PATH, "w", encoding="utf-8") as f:
        f.write(fresh)
