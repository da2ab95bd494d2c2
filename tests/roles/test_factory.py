"""The factory's keys are made once, at the first start, and kept at every later one."""

from pathlib import Path

from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.roles.factory import make_factory
from monocoque.roles.layout import Layout
from monocoque.trust.keys import SystemKeyMaker


def test_a_later_start_keeps_the_factorys_keys_and_what_the_cell_trusts(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.make()
    stores = FileKeyStore(layout.factory.secrets), FileKeyStore(layout.secrets)

    def start() -> list[dict[str, bytes | None]]:
        make_factory(layout, stores[1], SystemKeyMaker())
        return [{name: store.read(name) for name in store.names()} for store in stores]

    first = start()
    assert all(first)
    assert start() == first
