"""What the desk of commands has done with scenes, in one transaction with its line.

Rules: a scene that is put begins anew: where the car is, it must see again, and a minute of today
that is past is past. Removing a scene that is not there is done: it is not there.

Left out on purpose: who asks; the command was signed by a key with this right.
"""

from typing import Any, Final

from sqlalchemy import Connection

from monocoque.car.scenes import records
from monocoque.car.scenes.logic import times
from monocoque.contracts.errors import SceneMalformed
from monocoque.contracts.scenes import SCENES_MAX, AtTime, parse_scene, scene_text
from monocoque.plumbing.zones import find_zone
from monocoque.trust.scopes import Arguments

ZONE_UNKNOWN: Final = "zone_unknown"
TOO_MANY_SCENES: Final = "too_many_scenes"


def put(connection: Connection, _car_id: str, arguments: Arguments, now_us: int) -> str | None:
    """Keep the scene in place of the one with its identifier; a reason when it is not taken."""
    try:
        scene = parse_scene(str(arguments["scene"]))
    except SceneMalformed as error:
        return error.code
    state: dict[str, Any] = {}
    if isinstance(scene.when, AtTime):
        zone = find_zone(scene.when.zone)
        if zone is None:
            return ZONE_UNKNOWN
        state["settled_day"] = times.settled_day(scene.when, zone, now_us)
    is_new = records.find_scene(connection, scene.scene_id) is None
    if is_new and records.count_scenes(connection) >= SCENES_MAX:
        return TOO_MANY_SCENES
    records.put_scene(connection, scene.scene_id, scene_text(scene), state)
    return None


def remove(connection: Connection, _car_id: str, arguments: Arguments, _now_us: int) -> str | None:
    """Forget the scene, and what it asked for and was not begun."""
    records.remove_scene(connection, str(arguments["scene_id"]))
    return None
