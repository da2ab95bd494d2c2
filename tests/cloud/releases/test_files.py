"""The files of the repository are served as they lie there, whole or in parts, and nothing else."""

import pytest

from monocoque.cloud.releases import web
from monocoque.contracts.rights import Site
from monocoque.contracts.updates import IMAGE_FOLDER
from monocoque.plumbing.http.config import HttpConfig
from tests.cloud.releases.stand import Stand


@pytest.fixture
def stand() -> Stand:
    return Stand()


@pytest.fixture
def edge(stand, make_edge):
    return make_edge(web.file_routes(stand.documents, HttpConfig(file_chunk_bytes=1_000)))


async def fetch(edge, name, **headers):
    client = await edge.client(Site.DOORS)
    return await client.get(f"/{IMAGE_FOLDER}/{name}", headers=headers)


async def test_every_file_of_the_repository_is_served_as_it_lies_there(stand, edge):
    for name, content in stand.documents.files.items():
        answer = await fetch(edge, name.removeprefix(f"{IMAGE_FOLDER}/"))
        assert (answer.status_code, answer.content) == (200, content)
        assert answer.headers["content-length"] == str(len(content))
        forever = "immutable" in answer.headers["cache-control"]
        assert forever == (not name.endswith("timestamp.json"))
        known = await fetch(
            edge,
            name.removeprefix(f"{IMAGE_FOLDER}/"),
            **{"if-none-match": answer.headers["etag"]},
        )
        assert (known.status_code, known.content) == (304, b"")


async def test_an_image_is_fetched_in_parts_and_a_renewed_file_from_its_beginning(stand, edge):
    name = next(name for name in stand.documents.files if name.endswith("body.img"))
    whole, short = stand.documents.files[name], name.removeprefix(f"{IMAGE_FOLDER}/")
    first = await fetch(edge, short, range="bytes=0-9999")
    rest = await fetch(edge, short, range="bytes=10000-", **{"if-range": first.headers["etag"]})
    assert (first.status_code, rest.status_code) == (206, 206)
    assert first.content + rest.content == whole
    assert rest.headers["content-range"] == f"bytes 10000-{len(whole) - 1}/{len(whole)}"
    assert (await fetch(edge, short, range=f"bytes={len(whole)}-")).status_code == 416

    before = await fetch(edge, "metadata/timestamp.json")
    stand.publish(2)
    after = await fetch(
        edge, "metadata/timestamp.json", range="bytes=5-", **{"if-range": before.headers["etag"]}
    )
    assert (after.status_code, after.headers["etag"] != before.headers["etag"]) == (200, True)


@pytest.mark.parametrize(
    "name",
    [
        "metadata/2.root.json",
        "metadata",
        "",
        "metadata/",
        "..%2f..%2fsecrets/x",
        "%2e%2e/%2e%2e/x",
        "targets/1/%00",
        "targets/1/" + "a" * 300,
        "METADATA/timestamp.json",
    ],
)
async def test_nothing_else_is_served(edge, name):
    answer = await fetch(edge, name)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_files_are_on_the_bare_host_alone(stand, edge):
    client = await edge.client(Site.PHONE)
    answer = await client.get(f"/{IMAGE_FOLDER}/metadata/timestamp.json")
    assert answer.json()["code"] == "site_unknown"
