"""Pages are served whole, in ranges, once per hash, and from nowhere but their folder."""

from pathlib import Path

import httpx
import pytest

from monocoque.contracts.errors import SettingInvalid
from monocoque.contracts.rights import Site
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.files import list_pages
from tests.fixtures.http import EdgeUnderTest, MakeEdge, serving

LARGE = bytes(range(256)) * 1_000


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    pages = tmp_path / "pages"
    for site in (Site.DOORS, Site.CONSOLE):
        (pages / site.value / "assets").mkdir(parents=True)
        (pages / site.value / "index.html").write_text(f"<title>{site.value}</title>")
    (pages / "console" / "assets" / "index-3f2a.js").write_text("let a = 1")
    (pages / "console" / "assets" / "large-77aa.bin").write_bytes(LARGE)
    (pages / "console" / "robots.txt").write_text("0123456789")
    (pages / "console" / "empty.txt").write_text("")
    (tmp_path / "secret.txt").write_text("secret")
    (pages / "secret.txt").write_text("secret")
    (pages / "console" / "link.txt").symlink_to(tmp_path / "secret.txt")
    return pages


@pytest.fixture
def edge(make_edge: MakeEdge, directory: Path) -> EdgeUnderTest:
    config = HttpConfig(file_memory_bytes_max=10_000, file_chunk_bytes=1_000)
    return make_edge(config=config, pages=directory)


@pytest.fixture
async def console(edge: EdgeUnderTest) -> httpx.AsyncClient:
    return await edge.client(Site.CONSOLE)


async def test_every_site_has_its_own_pages(edge: EdgeUnderTest) -> None:
    for site in (Site.DOORS, Site.CONSOLE):
        response = await (await edge.client(site)).get("/")
        assert response.text == f"<title>{site.value}</title>"
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert "script-src 'self'" in response.headers["content-security-policy"]


async def test_a_hashed_asset_is_kept_and_a_page_is_asked_for_again(
    console: httpx.AsyncClient,
) -> None:
    asset = await console.get("/assets/index-3f2a.js")
    page = await console.get("/")

    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert asset.headers["content-type"] == "text/javascript; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/sign-in", "/cars/car_1", "/cars/"])
async def test_an_address_of_the_page_itself_opens_the_page(
    console: httpx.AsyncClient, path: str
) -> None:
    response = await console.get(path)

    assert (response.status_code, response.text) == (200, "<title>console</title>")


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/assets/gone.js", id="a file that is not there"),
        pytest.param("/api/none", id="an API that is not there"),
        pytest.param("/api", id="the API itself"),
        pytest.param("/../secret.txt", id="up"),
        pytest.param("/%2e%2e/secret.txt", id="up, escaped"),
        pytest.param("/..%2fsecret.txt", id="up, with its slash escaped"),
        pytest.param("/assets/../../secret.txt", id="down and up"),
        pytest.param("//secret.txt", id="two slashes"),
        pytest.param("/..\\secret.txt", id="the other slash"),
        pytest.param("/secret.txt%00.html", id="a zero"),
        pytest.param("/link.txt", id="a link that points out"),
        pytest.param("/../doors/secret.txt", id="a neighbour"),
        pytest.param("/etc/passwd.txt", id="an absolute path"),
    ],
)
async def test_nothing_outside_the_folder_is_served(edge: EdgeUnderTest, path: str) -> None:
    # On a socket, with the path as it is: a client that knows better would tidy it first.
    async with (
        serving(edge.application, edge.config) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        request = client.build_request("GET", "/", headers={"host": "console.localhost"})
        request.url = request.url.copy_with(raw_path=path.encode())
        response = await client.send(request)

    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


async def test_a_page_that_did_not_change_is_not_sent_again(console: httpx.AsyncClient) -> None:
    etag = (await console.get("/")).headers["etag"]

    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await console.get("/", headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    assert (await console.get("/", headers={"if-none-match": '"other"'})).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "body", "content_range"),
    [
        pytest.param("bytes=0-3", 206, "0123", "bytes 0-3/10", id="the beginning"),
        pytest.param("bytes=4-", 206, "456789", "bytes 4-9/10", id="the rest"),
        pytest.param("bytes=-2", 206, "89", "bytes 8-9/10", id="the end"),
        pytest.param("bytes=-99", 206, "0123456789", "bytes 0-9/10", id="more than the end"),
        pytest.param("bytes=9-99", 206, "9", "bytes 9-9/10", id="beyond the end"),
        pytest.param("bytes=10-", 416, "", "bytes */10", id="after the end"),
        pytest.param("bytes=-0", 416, "", "bytes */10", id="the last nothing"),
        pytest.param("bytes=3-2", 200, "0123456789", None, id="backwards is no range"),
        pytest.param("bytes=0-1,3-4", 200, "0123456789", None, id="several are answered whole"),
        pytest.param("bytes=-", 200, "0123456789", None, id="nothing"),
        pytest.param("lines=0-1", 200, "0123456789", None, id="another unit"),
        pytest.param("bytes=a-b", 200, "0123456789", None, id="letters"),
        pytest.param("bytes=0-" + "9" * 50, 200, "0123456789", None, id="a huge number"),
    ],
)
async def test_one_range_is_honoured(
    console: httpx.AsyncClient, asked: str, status: int, body: str, content_range: str | None
) -> None:
    response = await console.get("/robots.txt", headers={"range": asked})

    assert (response.status_code, response.text) == (status, body)
    assert response.headers.get("content-range") == content_range


async def test_a_range_of_another_version_is_answered_whole(console: httpx.AsyncClient) -> None:
    etag = (await console.get("/robots.txt")).headers["etag"]
    headers = {"range": "bytes=0-3"}

    assert (await console.get("/robots.txt", headers=headers | {"if-range": etag})).text == "0123"
    other = await console.get("/robots.txt", headers=headers | {"if-range": '"other"'})
    assert (other.status_code, other.text) == (200, "0123456789")


async def test_a_large_file_comes_in_pieces_and_whole(edge: EdgeUnderTest, directory: Path) -> None:
    files = list_pages(directory, edge.config)[Site.CONSOLE]
    assert files["assets/large-77aa.bin"].content is None
    assert files["robots.txt"].content is not None
    async with serving(edge.application, edge.config) as port:
        base = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(
            base_url=base, headers={"host": "console.localhost"}
        ) as client:
            whole = await client.get("/assets/large-77aa.bin")
            part = await client.get("/assets/large-77aa.bin", headers={"range": "bytes=999-5000"})

    assert whole.content == LARGE
    assert part.content == LARGE[999:5_001]


async def test_a_head_request_gets_the_length_and_no_body(console: httpx.AsyncClient) -> None:
    response = await console.head("/robots.txt")

    assert (response.headers["content-length"], response.content) == ("10", b"")
    assert (await console.get("/empty.txt")).content == b""


async def test_pages_that_were_not_built_say_how_to_build_them(edge: EdgeUnderTest) -> None:
    response = await (await edge.client(Site.SHOP)).get("/")

    assert response.status_code == 500
    assert response.headers["content-type"].startswith("text/plain")
    assert "make web" in response.text


def test_memory_for_pages_is_bounded(directory: Path) -> None:
    config = HttpConfig(files_memory_bytes_max=20)
    held = [
        file.size_bytes
        for files in list_pages(directory, config).values()
        for file in files.values()
        if file.content is not None
    ]

    assert sum(held) <= 20


def test_a_folder_with_too_many_files_is_refused(directory: Path) -> None:
    with pytest.raises(SettingInvalid):
        list_pages(directory, HttpConfig(files_max=3))
