"""What Home Assistant is told of a home's cars: messages, from how the cars are.

Rules:

* pure; equal cars give equal bytes, so that whoever said them knows what has changed;
* no message of ours has a command topic: nothing that Home Assistant says reaches a car. A lock is
  shown as a sensor that says whether it is open, and there is no word by which to open it;
* everything lies below ``homeassistant/``, which is all that the door for MQTT lets through;
* what we find retained is ours when its origin has our name; it is never touched otherwise.

The form is that of Home Assistant's MQTT discovery. ``DEVICE`` is one message for a whole car, and
is understood from 2024.12 on; ``ENTITIES`` is one message for each thing that it shows, which is
understood by every version.

Left out on purpose: climate and charging as things to switch. A scene does that (car/scenes), with
the owner's own key.
"""

import enum
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from monocoque.contracts.errors import IdentifierMalformed
from monocoque.contracts.identifiers import CarId, HomeId, car_id
from monocoque.contracts.wire.home_pb2 import HomeCar

ROOT: Final = "homeassistant"
ORIGIN: Final = "Monocoque"
STATUS_TOPIC: Final = f"{ROOT}/status"
"""Where Home Assistant says that it is there, and forgets what it was told before."""
ONLINE: Final = b"online"
OFFLINE: Final = b"offline"
CONFIG_PATTERNS: Final = (f"{ROOT}/+/+/config", f"{ROOT}/+/+/+/config")
"""Where everything that was ever announced is retained."""
NAME_CHARACTERS: Final = 4
"""The last of a car_id, by which a person tells two cars apart until they are named."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ANNOUNCEMENT_BYTES_MAX: Final = 65_536


class Discovery(enum.StrEnum):
    """How a car is announced."""

    DEVICE = "device"
    ENTITIES = "entities"


@dataclass(frozen=True)
class Entity:
    """One thing that is shown of a car."""

    key: str
    """Its name on the wire: stays the same for ever."""
    platform: str
    settings: Mapping[str, Any]


def _yes_or_no(key: str, name: str, device_class: str, field: str, **more: str) -> Entity:
    template = "{{ 'ON' if value_json." + field + " else 'OFF' }}"
    settings = {"name": name, "device_class": device_class, "value_template": template, **more}
    return Entity(key, "binary_sensor", settings)


def _number(key: str, name: str, device_class: str, unit: str, **more: str) -> Entity:
    settings = {
        "name": name,
        "device_class": device_class,
        "unit_of_measurement": unit,
        "state_class": "measurement",
        "value_template": "{{ value_json." + key + " }}",
        **more,
    }
    return Entity(key, "sensor", settings)


ENTITIES: Final = (
    # Home Assistant says "on" of a lock that is open.
    _yes_or_no("lock", "Lock", "lock", "unlocked"),
    _number("charge_percent", "Charge", "battery", "%"),
    _number("range_km", "Range", "distance", "km"),
    _yes_or_no("plug", "Plug", "plug", "plugged"),
    _yes_or_no("charging", "Charging", "battery_charging", "charging"),
    _yes_or_no("climate", "Climate", "running", "climate_on", icon="mdi:air-conditioner"),
    _number("climate_target_celsius", "Climate target", "temperature", "°C"),
    _number("cabin_celsius", "Cabin", "temperature", "°C"),
    Entity(
        "said_at",
        "sensor",
        {
            "name": "Last said",
            "device_class": "timestamp",
            "entity_category": "diagnostic",
            "value_template": "{{ value_json.said_at }}",
        },
    ),
    Entity("place", "device_tracker", {"name": "Place", "source_type": "gps"}),
)
"""Everything that is shown of a car."""
PLACE_ACCURACY_M: Final = 10
"""How far from its true place a car may say that it is."""


def presence_topic(home_id: HomeId) -> str:
    """Where it is said whether the home speaks at all: its will."""
    return f"{ROOT}/monocoque/{home_id}/presence"


def messages(
    home_id: HomeId, cars: Iterable[HomeCar], discovery: Discovery, software_version: str
) -> dict[str, bytes]:
    """Everything that shall be retained now, by its topic, in the order in which to say it."""
    found: dict[str, bytes] = {presence_topic(home_id): ONLINE}
    for car in cars:
        found |= _announcements(CarId(car.car_id), home_id, discovery, software_version)
        found |= _states(car)
    return found


def shown_cars(cars: Iterable[HomeCar], cars_max: int) -> tuple[list[HomeCar], int]:
    """The cars that can be shown, each once, in the order of their names, and how many cannot."""
    given = list(cars)
    fit = {car.car_id: car for car in given if _is_car(car)}
    shown = [fit[name] for name in sorted(fit)[:cars_max]]
    return shown, len(given) - len(shown)


def remains(topic: str, payload: bytes) -> dict[str, bytes]:
    """What was said of a car once, going by an announcement of ours that is still retained.

    Empty for what others announced, and for what cannot be read.
    """
    levels = topic.split("/")
    try:
        if len(payload) > _ANNOUNCEMENT_BYTES_MAX:
            return {}
        if json.loads(payload)["origin"]["name"] != ORIGIN:
            return {}
        car = car_id(levels[2])
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, IdentifierMalformed):
        return {}
    return {topic: payload, **dict.fromkeys((_state_topic(car), _place_topic(car)), payload)}


def _announcements(
    car: CarId, home_id: HomeId, discovery: Discovery, software_version: str
) -> dict[str, bytes]:
    common = {
        "device": {
            "identifiers": [car],
            "manufacturer": ORIGIN,
            "name": f"Car {car[-NAME_CHARACTERS:]}",
        },
        "origin": {"name": ORIGIN, "sw_version": software_version},
        "availability_topic": presence_topic(home_id),
    }
    settings = {entity.key: _settings(car, entity) for entity in ENTITIES}
    if discovery is Discovery.DEVICE:
        components = {
            entity.key: {"platform": entity.platform, **settings[entity.key]} for entity in ENTITIES
        }
        return {f"{ROOT}/device/{car}/config": _json({**common, "components": components})}
    return {
        f"{ROOT}/{entity.platform}/{car}/{entity.key}/config": _json(
            {**common, **settings[entity.key]}
        )
        for entity in ENTITIES
    }


def _settings(car: CarId, entity: Entity) -> dict[str, Any]:
    where = "json_attributes_topic" if entity.platform == "device_tracker" else "state_topic"
    topic = _place_topic(car) if entity.platform == "device_tracker" else _state_topic(car)
    return {**entity.settings, "unique_id": f"{car}_{entity.key}", where: topic}


def _states(car: HomeCar) -> dict[str, bytes]:
    """How a car is; nothing of one that has never said so."""
    if not car.said_at_us:
        return {}
    name = CarId(car.car_id)
    said_at = _EPOCH + timedelta(microseconds=car.said_at_us)
    state = {
        "unlocked": not car.locked,
        "charge_percent": round(car.charge_percent, 1),
        "range_km": round(car.range_km, 1),
        "plugged": car.plugged,
        "charging": car.charging,
        "climate_on": car.climate_on,
        "climate_target_celsius": round(car.climate_target_celsius, 1),
        "cabin_celsius": round(car.cabin_celsius, 1),
        "said_at": said_at.isoformat(timespec="seconds"),
    }
    place = {
        "latitude": round(car.latitude_degrees, 6),
        "longitude": round(car.longitude_degrees, 6),
        "gps_accuracy": PLACE_ACCURACY_M,
    }
    return {_state_topic(name): _json(state), _place_topic(name): _json(place)}


def _is_car(car: HomeCar) -> bool:
    numbers = (
        car.charge_percent,
        car.range_km,
        car.climate_target_celsius,
        car.cabin_celsius,
        car.latitude_degrees,
        car.longitude_degrees,
    )
    if not all(math.isfinite(number) for number in numbers):
        return False
    try:
        car_id(car.car_id)
        _EPOCH + timedelta(microseconds=car.said_at_us)
    except (IdentifierMalformed, OverflowError):
        return False
    return True


def _state_topic(car: CarId) -> str:
    return f"{ROOT}/monocoque/{car}/state"


def _place_topic(car: CarId) -> str:
    return f"{ROOT}/monocoque/{car}/place"


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
