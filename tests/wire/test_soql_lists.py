"""Searches and places while rows are written, over the server's lists of rows (docs/decisions/shortlists.md): what they find is what is there."""
import threading
import time

ROWS = 21000  # a query over fewer makes no list
PLACE = {"type": "Point", "coordinates": [-87.5, 41.5]}


def find(api, d, **parameters):
    reply = api.get(f"/resource/{d}.json", params={"$select": "k", "$order": "k", **parameters})
    assert reply.status_code == 200, reply.text
    return [row["k"] for row in reply.json()]


def searched(api, d):
    return find(api, d, **{"$q": "zebras"})


def near(api, d):
    return find(api, d, **{"$where": "within_circle(place, 41.5, -87.5, 1000)"})


def test_acknowledged_rows_are_found_and_former_ones_are_not_while_lists_are_made_and_kept_up(api):
    d = api.create({"k": "text", "name": "text", "place": "point"}, key="k")
    api.upsert_ok(d, [{"k": f"k{i}", "name": f"horse {i} of the field", "place": {"type": "Point", "coordinates": [i % 180, i % 90]}} for i in range(ROWS)])
    stop, failed = threading.Event(), []

    def write_others():
        n, writer = 0, api.server.api()
        while not stop.is_set():
            n += 1
            reply = writer.upsert(d, [{"k": f"k{(n * 7 + i) % ROWS}", "name": f"donkey {n}"} for i in range(20)])
            if reply.status_code != 200:
                failed.append(reply.text)
                return
            time.sleep(0.01)

    thread = threading.Thread(target=write_others)
    thread.start()
    try:
        for n in range(1, 81):
            api.upsert_ok(d, [{"k": f"z{n}", "name": "a Zebra", "place": PLACE}, {"k": f"z{n - 1}", "name": "a mule", "place": None}])
            assert searched(api, d) == [f"z{n}"]
            assert near(api, d) == [f"z{n}"]
            if n % 5 == 0:
                api.upsert_ok(d, [{"k": f"z{n}", ":deleted": True}])
                assert searched(api, d) == [] and near(api, d) == []
    finally:
        stop.set()
        thread.join()
    assert not failed
