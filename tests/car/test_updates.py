"""A car's update from its directions to its new software, and all that may keep it from that."""

import asyncio
from dataclasses import replace

import pytest

from monocoque.car.body.logic import begin_drive, begin_park
from monocoque.car.updates.service import MARK, NO_BOOT, NO_WRITE, UNDER_WAY, break_unit
from monocoque.contracts.updates import HARDWARE
from monocoque.trust.updates import director
from monocoque.trust.updates.manifests import UpdateState
from tests.car.update_stand import CONFIG, Stand, on_a_stand
from tests.fixtures.update_cloud import Cloud
from tests.fixtures.updates import images_of, release

SECOND_US = 1_000_000


async def installed(stand: Stand, number: int) -> None:
    await stand.agree(number)
    await stand.direct(number)
    await stand.until("installed")
    assert await stand.releases() == [number] * 3


def test_a_car_says_at_its_start_what_it_has() -> None:
    async def story(stand):
        manifest = stand.manifests[-1]
        assert [unit.hardware_id for unit in manifest.units] == sorted(HARDWARE)
        assert {unit.version for unit in manifest.units} == {"1.0.0"}
        assert (manifest.directions_version, manifest.sequence) == (0, 1)
        assert await stand.releases() == [1, 1, 1]

    on_a_stand(story)


def test_a_release_that_the_owner_agreed_to_is_in_every_unit() -> None:
    async def story(stand):
        await stand.direct(2)
        await stand.until("waiting", "not_agreed")
        assert stand.update.progress_percent == 100
        assert await stand.releases() == [1, 1, 1]
        await asyncio.sleep(3_000)
        assert stand.update.state == "waiting", "without consent it waits for ever"
        await stand.agree(2)
        await stand.until("installed")
        states = [manifest.update.state for manifest in stand.manifests]
        assert UpdateState.BOOTING in states
        assert await stand.releases() == [2, 2, 2]
        assert {unit.version for unit in stand.manifests[-1].units} == {"1.1.0"}
        assert stand.update.release_number == 2
        assert not (await stand.body()).updating
        assert await (await stand.disk.folder("downloads")).names() == []
        assert stand.numbers == list(range(1, len(stand.numbers) + 1))

    on_a_stand(story)


def test_one_release_after_another() -> None:
    async def story(stand):
        await installed(stand, 2)
        await stand.direct(3)
        await stand.until("waiting", "not_agreed")
        await installed(stand, 3)
        slots = {state.active for state in (await stand.units()).values()}
        assert slots == {"a"}, "the slot that was left is the next to be written to"

    on_a_stand(story)


def test_a_release_for_one_unit_leaves_the_others_as_they_are() -> None:
    cloud = Cloud()
    cloud.publish(2, "1.1.0", hardware=("arden7-body",))

    async def story(stand):
        await stand.agree(2)
        await stand.say(cloud.direct(cloud.assignment(2, ("arden7-body",)), stand.clock.now_us()))
        await stand.until("installed")
        assert await stand.releases() == [1, 2, 1]

    on_a_stand(story, cloud=cloud)


def test_nothing_to_install_is_nothing() -> None:
    async def story(stand):
        await stand.direct(None)
        await asyncio.sleep(5)
        assert stand.update.state == "none"
        assert stand.manifests[-1].directions_version == 1
        assert stand.line.reads == [], "who has nothing to fetch reads no image repository"

    on_a_stand(story)


def test_a_release_that_is_called_off_is_not_installed() -> None:
    async def story(stand):
        await stand.direct(2)
        await stand.until("waiting", "not_agreed")
        await stand.direct(None)
        await stand.until("none")
        await stand.agree(2)
        await asyncio.sleep(1_000)
        assert await stand.releases() == [1, 1, 1]

    on_a_stand(story)


def test_consent_is_for_one_release_and_can_be_taken_back() -> None:
    async def story(stand):
        await stand.body(lambda body: begin_drive(body, 60 * SECOND_US))
        await stand.agree(2)
        await stand.direct(3)
        await stand.until("waiting", "not_agreed")
        assert stand.update.agreed is False
        await stand.agree(3)
        await stand.until("waiting", "moving")
        assert stand.update.agreed is True
        await stand.agree(3, agreed=False)
        await stand.until("waiting", "not_agreed")
        await asyncio.sleep(1_000)
        assert await stand.releases() == [1, 1, 1]

    on_a_stand(story)


@pytest.mark.parametrize(
    ("hinder", "reason", "release_it"),
    [
        (lambda b: begin_drive(b, 3_600 * SECOND_US), "moving", begin_park),
        (lambda b: replace(b, plugged=False, charge_percent=19.9), "charge_low", begin_park),
    ],
)
def test_an_update_waits_for_the_car(hinder, reason, release_it) -> None:
    async def story(stand):
        await stand.body(hinder)
        await stand.agree(2)
        await stand.direct(2)
        await stand.until("waiting", reason)
        await asyncio.sleep(60)
        assert await stand.releases() == [1, 1, 1]
        await stand.body(release_it)
        await stand.until("installed")

    on_a_stand(story)


def test_nobody_drives_off_while_units_are_written_to_and_consent_is_final_then() -> None:
    async def story(stand):
        await stand.agree(2)
        await stand.direct(2)
        seen = []
        async with asyncio.timeout(600):
            while stand.update.state != "installed":
                if (await stand.journal()).is_installing:
                    assert (await stand.body()).updating
                    seen.append(await stand.agree(2, agreed=False))
                else:
                    assert not (await stand.body()).updating
                await asyncio.sleep(0.1)
        assert set(seen) == {UNDER_WAY}
        assert len(seen) > 10

    on_a_stand(story)


def test_directions_that_come_while_units_are_written_to_wait() -> None:
    async def story(stand):
        await stand.agree(2)
        await stand.direct(2)
        await stand.until("booting")
        await stand.direct(None)
        await stand.until("installed")
        assert await stand.releases() == [2, 2, 2]

    on_a_stand(story)


# --- units that fail --------------------------------------------------------------------------


@pytest.mark.parametrize("hardware_id", HARDWARE)
@pytest.mark.parametrize(
    ("fault", "reason"), [(NO_BOOT, "boot_failed"), (NO_WRITE, "write_failed")]
)
def test_one_unit_fails_and_all_go_back(hardware_id, fault, reason) -> None:
    async def story(stand):
        await break_unit(stand.disk, hardware_id, fault)
        await stand.agree(2)
        await stand.direct(2)
        await stand.until("rolled_back", reason)
        assert await stand.releases() == [1, 1, 1]
        assert all(state.trying is None for state in (await stand.units()).values())
        assert not (await stand.body()).updating
        await stand.say(stand.cloud.changed(last_files(stand), lambda _: None))
        await asyncio.sleep(1_000)
        assert stand.update.state == "rolled_back", "the same directions begin nothing again"
        await break_unit(stand.disk, hardware_id, b"")
        await stand.direct(2)
        await stand.until("installed")
        assert await stand.releases() == [2, 2, 2]

    def last_files(stand):
        stand.cloud.version -= 1
        return stand.cloud.direct(stand.cloud.assignment(2), stand.clock.now_us())

    on_a_stand(story)


def test_an_image_that_starts_in_no_unit_is_tried_and_given_up() -> None:
    cloud = Cloud()
    one = release(2, "1.1.0")
    cloud.publish(2, "1.1.0", images_of(one) | {"arden7-drive": MARK + b"x" * 400})

    async def story(stand):
        await stand.agree(2)
        await stand.direct(2)
        await stand.until("rolled_back", "boot_failed")
        assert await stand.releases() == [1, 1, 1]

    on_a_stand(story, cloud=cloud)


# --- the line ---------------------------------------------------------------------------------


def test_a_download_goes_on_where_the_line_broke_off() -> None:
    async def story(stand):
        stand.line.breaks_after = 14_000  # metadata and document come first
        stand.line.chunk_bytes = 100
        await stand.agree(2)
        await stand.direct(2)
        await stand.until("installed")
        begins = [offset for _, offset in stand.line.images()]
        assert len(begins) == 4
        assert sum(offset > 0 for offset in begins) == 1

    cloud = Cloud()
    one = release(2, "1.1.0")
    cloud.publish(2, "1.1.0", images_of(one, 5_000))
    on_a_stand(story, cloud=cloud)


def test_a_line_that_is_away_is_waited_for() -> None:
    async def story(stand):
        await stand.agree(2)
        stand.line.is_away = True
        await stand.direct(2)
        await stand.until("refused", "unreachable")
        tries = len(stand.line.reads)
        await asyncio.sleep(3_600)
        assert tries < len(stand.line.reads) < tries + 30, "pauses grow"
        stand.line.is_away = False
        await stand.until("installed")

    on_a_stand(story)


def test_new_directions_are_followed_in_the_middle_of_a_download() -> None:
    async def story(stand):
        stand.line.pause_s = 1.0
        await stand.agree(3)
        await stand.direct(2)
        await stand.until("downloading")
        await stand.direct(3)
        await stand.until("installed")
        assert await stand.releases() == [3, 3, 3]
        fetched = {path.split("/")[1] for path, _ in stand.line.images()}
        assert fetched == {"2", "3"}

    on_a_stand(story)


def test_metadata_that_ends_between_download_and_consent_installs_nothing() -> None:
    async def story(stand):
        soon = director.Lifetimes(targets_s=3_600, timestamp_s=600)
        wanted = stand.cloud.assignment(2)
        await stand.say(stand.cloud.direct(wanted, stand.clock.now_us(), soon))
        await stand.until("waiting", "not_agreed")
        await asyncio.sleep(601)
        await stand.agree(2)
        await stand.until("waiting", "expired")
        await asyncio.sleep(1_000)
        assert await stand.releases() == [1, 1, 1]
        await stand.direct(2)
        await stand.until("installed")

    on_a_stand(story)


def test_old_directions_are_excused_once() -> None:
    async def story(stand):
        old = stand.cloud.direct(None, stand.clock.now_us() - 2 * 86_400 * SECOND_US)
        before = len(stand.manifests)
        await stand.say(old)
        await asyncio.sleep(5)
        assert stand.update.state == "none"
        assert len(stand.manifests) == before + 1, "it asks for fresh ones"
        await stand.say(old)
        await stand.until("refused", "expired")
        await stand.direct(None)
        await stand.until("none")

    on_a_stand(story)


def test_a_car_asks_again_and_again() -> None:
    async def story(stand):
        await asyncio.sleep(10 * CONFIG.poll_interval_s + 10)
        assert 10 <= len(stand.manifests) <= 12

    on_a_stand(story)


def test_a_car_without_roots_installs_nothing() -> None:
    async def story(stand):
        stand.keystore.write("update-image-root", b"{}")
        await stand.agree(2)
        await stand.direct(2)
        await stand.until("refused", "malformed")
        del stand.keystore._secrets["update-image-root"]
        await stand.until("refused", "no_root")
        assert await stand.releases() == [1, 1, 1]

    on_a_stand(story)
