"""A manifest is what its car signed, in the one form that is read."""

import json
from dataclasses import replace
from typing import Any

import pytest

from monocoque.contracts.documents import VEHICLE_MANIFEST
from monocoque.contracts.errors import DocumentMalformed, KeyUnknown, SignatureInvalid
from monocoque.trust import base64url
from monocoque.trust.documents import sign
from monocoque.trust.keys import SeededKeyMaker
from monocoque.trust.updates.manifests import (
    UNITS_MAX,
    UnitReport,
    UpdateReport,
    UpdateState,
    sign_manifest,
    verify_manifest,
)

CAR = "car_0123456789abcdefghjkmnpqrs"
OTHER = "car_1123456789abcdefghjkmnpqrs"
NOW_S = 1_800_000_000
KEY = SeededKeyMaker(lambda count: bytes(range(count))).make("ES256")
OTHER_KEY = SeededKeyMaker(lambda count: bytes(range(1, count + 1))).make("ES256")
BODY = UnitReport("arden7-body-mnpqrs00", "arden7-body", 1, "1.0.0", 4_096, "a" * 64)
GATEWAY = UnitReport("arden7-gateway-mnpqrs00", "arden7-gateway", 1, "1.0.0", 4_096, "b" * 64)
QUIET = UpdateReport(0, UpdateState.NONE)
WAITS = UpdateReport(7, UpdateState.WAITING, "charge_low", 100, agreed=True)


def signed(update: UpdateReport = QUIET, units=(GATEWAY, BODY), sequence: int = 5) -> bytes:
    return sign_manifest(CAR, sequence, 3, units, update, NOW_S, KEY)


def claims_of(document: bytes) -> dict[str, Any]:
    return json.loads(base64url.decode(document.split(b".")[1].decode()))


def resigned(**changed: object) -> bytes:
    """A manifest with other claims, rightly signed."""
    return sign(VEHICLE_MANIFEST, claims_of(signed(WAITS)) | changed, KEY)


@pytest.mark.parametrize("update", [QUIET, WAITS, replace(WAITS, agreed=False)])
def test_what_the_car_signs_is_read(update):
    document = signed(update)
    found = verify_manifest(document, CAR, KEY.public_jwk)
    assert (found.car_id, found.sequence, found.directions_version) == (CAR, 5, 3)
    assert found.units == (BODY, GATEWAY)
    assert found.update == update
    assert found.document == document


def test_a_manifest_may_leave_out_the_reason():
    update = claims_of(signed(WAITS))["update"]
    del update["reason"]
    assert verify_manifest(resigned(update=update), CAR, KEY.public_jwk).update.reason == ""


def test_nobody_signs_for_another_car():
    with pytest.raises(KeyUnknown):
        verify_manifest(signed(), CAR, OTHER_KEY.public_jwk)
    with pytest.raises(DocumentMalformed, match="another car"):
        verify_manifest(signed(), OTHER, KEY.public_jwk)


def test_a_manifest_that_was_changed_is_refused():
    header, claims, _ = signed().split(b".")
    _, _, signature = signed(WAITS).split(b".")
    with pytest.raises(SignatureInvalid):
        verify_manifest(b".".join([header, claims, signature]), CAR, KEY.public_jwk)


UNIT = claims_of(signed())["ecus"][0]
UPDATE = claims_of(signed())["update"]
WRONG = {
    "another car": {"sub": OTHER},
    "another author": {"iss": OTHER},
    "no sequence": {"sequence": 0},
    "a sequence that is a text": {"sequence": "5"},
    "a sequence that is yes": {"sequence": True},
    "a version below zero": {"directions_version": -1},
    "a version beyond every director's": {"directions_version": 2**31},
    "no units": {"ecus": []},
    "units that are no list": {"ecus": {"a": 1}},
    "a unit that is no object": {"ecus": ["arden7-body"]},
    "a unit twice": {"ecus": [UNIT, UNIT]},
    "too many units": {"ecus": [UNIT | {"ecu_id": f"u{at}"} for at in range(UNITS_MAX + 1)]},
    "a control character": {"ecus": [UNIT | {"ecu_id": "arden7\n"}]},
    "a line behind an identifier": {"ecus": [UNIT | {"hardware_id": "arden7-body\n"}]},
    "an endless version": {"ecus": [UNIT | {"version": "1" * 65}]},
    "no hash": {"ecus": [UNIT | {"sha256": "A" * 64}]},
    "a length below zero": {"ecus": [UNIT | {"length": -1}]},
    "a release below zero": {"ecus": [UNIT | {"release_number": -1}]},
    "an update that is no object": {"update": [1]},
    "an unknown state": {"update": UPDATE | {"state": "flying"}},
    "a state that is a list": {"update": UPDATE | {"state": ["none"]}},
    "a reason with a space": {"update": UPDATE | {"reason": "too late"}},
    "more than all of it": {"update": UPDATE | {"progress_percent": 101}},
    "an agreement that is a number": {"update": UPDATE | {"agreed": 1}},
}


@pytest.mark.parametrize("changed", WRONG.values(), ids=WRONG)
def test_what_has_not_its_form_is_refused(changed):
    with pytest.raises(DocumentMalformed):
        verify_manifest(resigned(**changed), CAR, KEY.public_jwk)


def test_a_car_does_not_sign_what_would_not_be_read():
    with pytest.raises(DocumentMalformed):
        signed(units=[BODY, BODY])
