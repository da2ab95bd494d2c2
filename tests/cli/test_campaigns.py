"""Campaigns on the command line, and what the doctor says of them."""

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from monocoque.cli import campaigns
from monocoque.cli.doctor_campaigns import look_at_campaigns, refuse_waiting
from monocoque.cli.main import app, run_command
from monocoque.cloud.campaigns.logic.rollout import Event
from monocoque.cloud.campaigns.service import reading
from monocoque.contracts.errors import CampaignHalted, InventoryChanged, ReportContradicts
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.roles.layout import Layout
from monocoque.roles.migrations import records_in_memory
from tests.cloud.campaigns.stand import Cell, until

CAMPAIGN = "campaign_0123456789abcdefghjkmnpqrs"


@pytest.fixture
async def cell():
    records = records_in_memory(Random(4))
    yield Cell(records)
    await records.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["start", "2"], "No cell runs"),
        (["start", "2", "--waves", "1,none"], "whole numbers"),
        (["start", "2", "--car", "mine"], "identifier"),
        (["pause", "mine"], "identifier"),
        (["pause", CAMPAIGN], "No cell runs"),
        (["resume", "--despite-failures"], "No cell runs"),
        (["halt"], "No cell runs"),
        (["list", "--json"], "No cell runs"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_to_do(words, said, tmp_path: Path, capsys):
    line = ["campaign", *words, "--data", str(tmp_path / "data")]
    assert run_command(lambda: app(line, standalone_mode=False)) == 1
    lines = capsys.readouterr().err.splitlines()
    assert said in lines[0]
    assert len(lines) == 2


async def test_a_campaign_is_printed_as_a_table_and_as_json(cell, capsys):
    async with cell.living():
        await cell.fleet(2)
        await cell.publish()
        campaign_id = await cell.start()
        [shown] = await reading.read_campaigns(cell.records, 10)
        campaigns.print_campaigns([shown], as_json=False)
        printed = capsys.readouterr().out
        assert "2 (1.2.0)" in printed
        assert campaign_id in printed
        campaigns.print_campaigns([shown], as_json=True)
        [figures] = json.loads(capsys.readouterr().out)["campaigns"]
        assert (figures["campaign_id"], figures["state"]) == (campaign_id, "running")
        assert (figures["wave"], figures["waves"], figures["cars"]) == (1, 2, 2)


async def test_the_doctor_names_what_waits_for_a_person(cell):
    async with cell.living():
        [car] = await cell.fleet(1)
        assert "no car" in await refuse_waiting(cell.records)
        car.units = [*car.units[:2], replace(car.units[2], ecu_id="arden7-drive-new")]
        await car.poll()

        async def is_refused() -> bool:
            return cell.refusals("inventory_changed") > 0

        await until(is_refused)
        with pytest.raises(InventoryChanged, match="1 cars need a person"):
            await refuse_waiting(cell.records)
        car.units = cell.units_of(car.car_id, 1)
        await car.say("installed", 2)

        async def is_contradicted() -> bool:
            return cell.refusals("report_contradicts") > 0

        await until(is_contradicted)
        with pytest.raises(ReportContradicts):
            await refuse_waiting(cell.records)
        await cell.publish()
        await cell.change(await cell.start(), Event.HALT)
        with pytest.raises(CampaignHalted, match="1 campaigns were halted"):
            await refuse_waiting(cell.records)


def test_the_doctor_leaves_the_records_of_a_cell_alone_that_does_not_run(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")
    assert look_at_campaigns(layout, RecordsConfig()) == "not looked at, as no cell runs"
    assert not layout.path.exists()
