"""The as-built record: equal facts give equal bytes, and these bytes are those of the page."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from cyclonedx.model.bom import Bom

from monocoque.contracts.documents import AS_BUILT, DOCUMENT_BYTES_MAX
from monocoque.shop.build.logic.parts import ARDEN, CONTROL_UNITS, LUMIO
from monocoque.shop.build.logic.steps import State
from monocoque.shop.build.logic.vin import CHECK_PLACE, VALUES, WEIGHTS, make_vin
from monocoque.shop.build.service.as_built import BuiltCar, as_built, bill_of_materials
from monocoque.trust.documents import authenticate, signing_digest
from monocoque.trust.keys import SeededKeyMaker

PAGE = Path(__file__).parents[3] / "docs/protocol/builds.md"
DOCUMENT = Path(__file__).parents[2] / "vectors/as_built.jws"
NOW_US = 1_800_000_000_000_000
NUMBER = 7
KEY = SeededKeyMaker(Random(1).randbytes).make("ES256")
CAR = BuiltCar(
    car_id="car_0123456789abcdefghjkmnpqrs",
    order_id="order_0123456789abcdefghjkmnpqrs",
    vin=make_vin(2027, 1),
    year=2027,
    serial=1,
    catalogue_version="2026-1",
    options=("paint-red", "wheels-19"),
    software_version="0.1.0",
)


def shown(value: object) -> str:
    return json.dumps(value, indent=1, sort_keys=True)


def test_equal_facts_give_the_bytes_that_are_written_down():
    document = as_built(CAR, NOW_US, NUMBER, KEY)
    assert document == DOCUMENT.read_bytes().strip()
    assert document == as_built(replace(CAR), NOW_US, NUMBER, KEY)
    assert len(document) < DOCUMENT_BYTES_MAX / 4


def test_other_facts_give_another_record():
    bills = {
        shown(bill_of_materials(car, now_us, number))
        for car, now_us, number in (
            (CAR, NOW_US, NUMBER),
            (CAR, NOW_US, NUMBER + 1),
            (CAR, NOW_US + 1_000_000, NUMBER),
            (replace(CAR, software_version="0.2.0"), NOW_US, NUMBER),
            (replace(CAR, serial=2), NOW_US, NUMBER),
            (replace(CAR, options=()), NOW_US, NUMBER),
        )
    }
    assert len(bills) == 6


def test_whoever_has_the_factorys_key_can_check_the_record():
    document = DOCUMENT.read_bytes().strip()
    claims = authenticate(AS_BUILT, document, {KEY.key_id: KEY.public_jwk}.get).claims
    assert (claims["sub"], claims["order"], claims["vin"]) == (CAR.car_id, CAR.order_id, CAR.vin)
    assert claims["bom"] == bill_of_materials(CAR, NOW_US, NUMBER)


def test_a_stranger_who_reads_cyclonedx_finds_every_unit_its_software_and_who_made_it():
    from_json: Any = getattr(Bom, "from_json")  # noqa: B009 - made by a decorator, without types
    read = from_json(bill_of_materials(CAR, NOW_US, NUMBER))
    assert len(read.components) == len(CONTROL_UNITS) >= 10
    for unit in read.components:
        [software] = unit.components
        named = f"{software.name} {CAR.software_version}"
        [found] = software.hashes
        assert found.content == hashlib.sha256(named.encode()).hexdigest()
        assert {unit.supplier.name, software.supplier.name} <= {ARDEN, LUMIO}
        assert {each.name for each in unit.properties} == {
            "monocoque:position",
            "monocoque:serial",
        }
    needs = {each.ref.value: {other.ref.value for other in each.dependencies} for each in
             read.dependencies}  # fmt: skip
    assert needs[CAR.car_id] == {unit.name for unit in CONTROL_UNITS}
    assert all(needs[unit.name] == {f"{unit.name}/software"} for unit in CONTROL_UNITS)


def test_the_page_shows_this_record_and_every_state():
    page = PAGE.read_text("utf-8")
    bill = bill_of_materials(CAR, NOW_US, NUMBER)
    [unit] = [each for each in bill["components"] if each["name"] == "body"]
    assert shown(dict(KEY.public_jwk)) in page
    assert shown(unit) in page
    assert shown(bill["metadata"]) in page
    assert signing_digest(DOCUMENT.read_bytes().strip()) in page
    assert all(f"| `{state.value}` |" in page for state in State)
    assert all(f"| {unit.name} | {unit.position} |" in page for unit in CONTROL_UNITS)


def test_the_page_counts_the_check_digit_as_the_code_does():
    page = PAGE.read_text("utf-8")
    rows = zip(CAR.vin, (VALUES.get(each) for each in CAR.vin), WEIGHTS, strict=True)
    for place, (character, value, weight) in enumerate(rows, 1):
        product = value * weight if place != CHECK_PLACE + 1 else 0
        assert f"| {place} | {character} | {value} | {weight} | {product} |" in page
    total = sum(VALUES[c] * w for c, w in zip(CAR.vin, WEIGHTS, strict=True))
    assert f"sum is {total}, and {total} mod 11 is {total % 11}" in page
