"""If-Match, If-None-Match and If-Unmodified-Since of writes (RFC 9110, section 13; docs/wire/rows.md): what cannot be read lets nothing
through."""

import time
from email.utils import formatdate

import pytest

from client import refused

LISTS = ["nonsense", "", ",", "abc.def", "W/", 'w/"x"', "'x'", '"a"b"', "*, *", '*, "x"', '"x" "y"']
CALLS = {
    "upsert": lambda a, d, h: a.post(f"/resource/{d}.json", json=[{"k": "1", "t": "new"}], headers=h),
    "replace": lambda a, d, h: a.put(f"/resource/{d}.json", json=[], headers=h),
    "truncate": lambda a, d, h: a.delete(f"/resource/{d}", headers=h),
    "merge_row": lambda a, d, h: a.post(f"/resource/{d}/1.json", json={"t": "new"}, headers=h),
    "put_row": lambda a, d, h: a.put(f"/resource/{d}/1.json", json={"t": "new"}, headers=h),
    "new_row": lambda a, d, h: a.put(f"/resource/{d}/2.json", json={"t": "new"}, headers=h),
    "delete_row": lambda a, d, h: a.delete(f"/resource/{d}/1.json", headers=h),
}


@pytest.fixture(scope="module")
def dataset(api):
    d = api.create({"k": "text", "t": "text"}, key="k")
    api.upsert_ok(d, [{"k": "1", "t": "old"}])
    return d


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_list_of_tags_that_cannot_be_read_is_400_and_nothing_is_written(api, dataset, call, header):
    for value in LISTS:
        error = refused(call(api, dataset, {header: value}), 400, "invalid-request", says=header)
        assert error["data"] == {"header": header, "value": value}
    assert api.rows(dataset) == [{"k": "1", "t": "old"}]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_change_after_the_date_is_412(api, call):
    d = api.create({"k": "text", "t": "text"}, key="k")
    api.upsert_ok(d, [{"k": "1", "t": "old"}])
    before, after = formatdate(time.time() - 100, usegmt=True), formatdate(time.time() + 100, usegmt=True)
    if call is not CALLS["new_row"]:
        refused(call(api, d, {"If-Unmodified-Since": before}), 412)
        assert api.rows(d) == [{"k": "1", "t": "old"}]
    tag = api.get(f"/resource/{d}.json").headers["ETag"]
    refused(api.get(f"/resource/{d}.json", headers={"If-Unmodified-Since": before}), 412)
    assert api.get(f"/resource/{d}.json", headers={"If-Unmodified-Since": before, "If-Match": tag}).status_code == 200
    assert call(api, d, {"If-Unmodified-Since": after}).status_code == 200


def test_a_date_that_is_none_is_ignored(api):
    d = api.create({"k": "text", "t": "text"}, key="k")
    for value in ("yesterday", "", "0"):
        assert CALLS["upsert"](api, d, {"If-Unmodified-Since": value}).status_code == 200
        assert CALLS["merge_row"](api, d, {"If-Unmodified-Since": value}).status_code == 200


def test_well_formed_tags_that_name_something_else_are_told_apart(api, dataset):
    refused(CALLS["merge_row"](api, dataset, {"If-Match": '"x"'}), 412)
    refused(CALLS["merge_row"](api, dataset, {"If-Match": 'W/"x"'}), 412)
    assert CALLS["merge_row"](api, dataset, {"If-None-Match": '"x", W/"y"'}).status_code == 200
