"""What a scene can say, and that nothing else can be said in one."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts import scenes
from monocoque.contracts.errors import SceneMalformed, SceneWordUnknown
from monocoque.contracts.scenes import ACTIONS, DAYS, TRIGGERS, parse_action, parse_scene

SCENE_ID = "scene_0123456789abcdefghjkmnpqrs"
ARRIVE = {
    "trigger": "arrive",
    "place": {"latitude_e7": 473769000, "longitude_e7": 85417000},
    "enter_radius_m": 150,
    "exit_radius_m": 300,
    "away_s_min": 300,
}
LEAVE = {name: value for name, value in ARRIVE.items() if name != "away_s_min"} | {
    "trigger": "leave",
    "stay_s_min": 60,
}
TIME = {"trigger": "time", "minute_of_day": 450, "days": ["mon", "sun"], "zone": "Europe/Zurich"}
LAMP = {"action": "home.lamp.turn_on"}
RIGHT = {"scene_id": SCENE_ID, "name": "Light", "when": ARRIVE, "do": [LAMP], "valid_for_s": 600}

FORBIDDEN = ("unlock", "open", "start", "move", "disable")
PAGE = Path(__file__).parents[2] / "docs/protocol/scenes.md"


def text_of(value):
    return json.dumps(value, ensure_ascii=False)


def said(**changes):
    return text_of(RIGHT | changes)


def paths(value, at=()):
    """The way to every member and every item of a value."""
    yield at
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(inner, (*at, key))


def with_value(scene, path, value):
    changed = copy.deepcopy(scene)
    if not path:
        return value
    target = changed
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return changed


def forms(word):
    """A word in every form in which somebody may try to get it past a reader."""
    look_alikes = {"o": "\u043e", "e": "\u0435", "a": "\u0430", "c": "\u0441", "p": "\u0440"}
    yield from (word, word.upper(), word.title(), f" {word}", f"{word} ", f"{word}\n", f"{word}\0")
    yield "".join(look_alikes.get(letter, letter) for letter in word)
    yield "".join(chr(ord(letter) + 0xFEE0) for letter in word)
    yield word[0] + "\u200b" + word[1:]
    yield word[0] + "\u00ad" + word[1:]
    for room in ("car", "home", "home.door", "home.lamp", "car.doors", "home.unlock"):
        yield from (f"{room}.{word}", f"{room}.{word}_all", f"{room}/{word}", f"{room} {word}")
    yield from (f"home.lamp.turn_on;{word}", f"home.lamp.turn_on.{word}", f"car.lock,{word}")


def plain_forms(word):
    """The word itself, and one that looks like it."""
    return [word, word.upper(), word.replace("e", "\u0435").replace("o", "\u043e"), f"car.{word}"]


EVERY_FORM = [form for word in FORBIDDEN for form in forms(word)]
EVERY_SCENE: list[Any] = [
    RIGHT,
    RIGHT | {"when": LEAVE},
    RIGHT | {"when": TIME},
    RIGHT | {"do": [{"action": "home.heat_pump.set", "target_decicelsius": 210}]},
    RIGHT | {"do": [{"action": "car.climate", "on": True, "temperature_decicelsius": 210}]},
    RIGHT | {"do": [{"action": "car.lock"}, {"action": "car.charge_limit", "percent": 80}]},
]


@pytest.mark.parametrize(
    "scene", EVERY_SCENE, ids=["arrive", "leave", "time", "pump", "climate", "two"]
)
def test_a_right_scene_is_read_and_written_as_it_was(scene):
    read = parse_scene(text_of(scene))
    assert json.loads(scenes.scene_text(read)) == scene
    assert parse_scene(scenes.scene_text(read)) == read


@pytest.mark.parametrize("action", [action for each in EVERY_SCENE for action in each["do"]])
def test_an_action_is_read_and_written_as_it_was(action):
    assert json.loads(scenes.action_text(parse_action(text_of(action)))) == action


def test_days_are_kept_in_the_order_of_the_week():
    read = parse_scene(said(when=TIME | {"days": ["sun", "mon"]}))
    assert json.loads(scenes.scene_text(read))["when"]["days"] == ["mon", "sun"]


@pytest.mark.parametrize("form", EVERY_FORM)
def test_no_action_and_no_trigger_opens_wakes_or_moves_a_car(form):
    with pytest.raises(SceneWordUnknown):
        parse_scene(said(do=[{"action": form}]))
    with pytest.raises(SceneWordUnknown):
        parse_scene(said(do=[LAMP, {"action": form, "on": True}]))
    with pytest.raises(SceneWordUnknown):
        parse_scene(said(when=ARRIVE | {"trigger": form}))
    with pytest.raises(SceneWordUnknown):
        parse_scene(said(when=TIME | {"days": [form]}))
    with pytest.raises(SceneWordUnknown):
        parse_action(text_of({"action": form}))


@pytest.mark.parametrize(
    "scene", EVERY_SCENE, ids=["arrive", "leave", "time", "pump", "climate", "two"]
)
@pytest.mark.parametrize("word", FORBIDDEN)
def test_in_no_field_of_a_scene_is_there_room_for_such_a_word(scene, word):
    """Through every field, as value, as list, as object and as a further member."""
    right = parse_scene(text_of(scene))
    for path in paths(scene):
        for form in plain_forms(word):
            for value in (form, [form], {form: {}}, {"action": form}, [{"action": form}]):
                changed = text_of(with_value(scene, path, value))
                if path == ("name",) and value == form and form.isprintable():
                    read = parse_scene(changed)  # a name is a label, and asks for nothing
                    assert (read.when, read.do) == (right.when, right.do)
                    continue
                with pytest.raises(SceneMalformed):
                    parse_scene(changed)
        inner = scene
        for key in path:
            inner = inner[key]
        if isinstance(inner, dict):
            with pytest.raises(SceneMalformed):
                parse_scene(text_of(with_value(scene, path, inner | {word: True})))


def test_the_vocabulary_is_these_words_and_each_is_harmless():
    assert set(ACTIONS) == {
        "home.lamp.turn_on",
        "home.lamp.turn_off",
        "home.heat_pump.set",
        "car.climate",
        "car.lock",
        "car.charge_limit",
    }
    assert set(TRIGGERS) == {"arrive", "leave", "time"}
    every_name = [name for row in ACTIONS.values() for name in (row.name, *row.arguments)]
    assert not [n for n in every_name if any(w in re.split(r"\W|_", n) for w in FORBIDDEN)]


@given(st.text(max_size=40))
def test_of_all_texts_only_the_words_are_words(text):
    if text in ACTIONS:
        return
    with pytest.raises(SceneWordUnknown):
        parse_action(text_of({"action": text}))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"scene_id": "scene_1"}, id="no identifier"),
        pytest.param({"scene_id": "car_0123456789abcdefghjkmnpqrs"}, id="a car's identifier"),
        pytest.param({"scene_id": 1}, id="a number for an identifier"),
        pytest.param({"name": ""}, id="no name"),
        pytest.param({"name": "  "}, id="a blank name"),
        pytest.param({"name": "a" * 61}, id="a long name"),
        pytest.param({"name": "a\nb"}, id="a name with a line end"),
        pytest.param({"name": "a\u202eb"}, id="a name that turns the letters around"),
        pytest.param({"name": 1}, id="a number for a name"),
        pytest.param({"do": []}, id="nothing to do"),
        pytest.param({"do": [LAMP, LAMP]}, id="the same thing twice"),
        pytest.param({"do": ["home.lamp.turn_on"]}, id="an action that is no object"),
        pytest.param({"do": [{"on": True}]}, id="an action without its word"),
        pytest.param({"do": [{"action": 1}]}, id="a number for a word"),
        pytest.param({"do": [LAMP | {"on": True}]}, id="an argument too many"),
        pytest.param({"do": [{"action": "car.charge_limit"}]}, id="an argument is missing"),
        pytest.param({"do": [{"action": "car.charge_limit", "percent": 101}]}, id="too much"),
        pytest.param({"do": [{"action": "car.charge_limit", "percent": True}]}, id="no number"),
        pytest.param({"do": LAMP}, id="no list"),
        pytest.param(
            {"do": [{"action": name} for name in ("home.lamp.turn_on", "home.lamp.turn_off")] * 3},
            id="too many actions",
        ),
        pytest.param({"valid_for_s": 9}, id="valid too shortly"),
        pytest.param({"valid_for_s": 3601}, id="valid too long"),
        pytest.param({"when": {}}, id="no trigger"),
        pytest.param({"when": ARRIVE | {"exit_radius_m": 199}}, id="radii too near"),
        pytest.param({"when": ARRIVE | {"enter_radius_m": 300}}, id="radii alike"),
        pytest.param({"when": ARRIVE | {"away_s_min": 59}}, id="away too shortly"),
        pytest.param({"when": ARRIVE | {"place": {"latitude_e7": 1}}}, id="half a place"),
        pytest.param(
            {"when": ARRIVE | {"place": {"latitude_e7": 900_000_001, "longitude_e7": 0}}},
            id="no place on earth",
        ),
        pytest.param({"when": ARRIVE | {"stay_s_min": 60}}, id="members of another trigger"),
        pytest.param({"when": TIME | {"minute_of_day": 1_440}}, id="no minute of a day"),
        pytest.param({"when": TIME | {"days": []}}, id="no day"),
        pytest.param({"when": TIME | {"days": ["mon", "mon"]}}, id="a day twice"),
        pytest.param({"when": TIME | {"zone": "Mars/Base"}}, id="a zone of no area"),
        pytest.param({"when": TIME | {"zone": "../etc/passwd"}}, id="a path for a zone"),
        pytest.param({"when": TIME | {"zone": "/etc/localtime"}}, id="an absolute path"),
        pytest.param({"when": TIME | {"zone": "Europe/" + "a" * 60}}, id="a long zone"),
        pytest.param({"more": 1}, id="a member too many"),
    ],
)
def test_a_malformed_scene_is_refused_whole(changes):
    with pytest.raises(SceneMalformed):
        parse_scene(said(**changes))


@pytest.mark.parametrize("name", RIGHT)
def test_every_member_must_be_there(name):
    with pytest.raises(SceneMalformed):
        parse_scene(text_of({key: value for key, value in RIGHT.items() if key != name}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"scene_id":1,"scene_id":1}',
        said()[:-1],
        said().replace("600", "600.0"),
        said().replace("600", "NaN"),
        said().replace('"Light"', '"\\ud800"'),
        "\ud800",
        said() + " " * 700,
    ],
)
def test_what_every_language_does_not_read_alike_is_no_scene(text):
    with pytest.raises(SceneMalformed):
        parse_scene(text)


def test_an_action_that_is_too_long_is_refused_unread():
    with pytest.raises(SceneMalformed):
        parse_action(text_of(LAMP) + " " * 700)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: (
    st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(sorted(RIGHT)), inner)
), max_leaves=20))  # fmt: skip
def test_whatever_is_sent_is_a_scene_or_one_named_error(value):
    with pytest.raises(SceneMalformed):
        parse_scene(text_of(value))


def test_the_page_shows_scenes_that_are_right_and_names_every_trigger_and_day():
    page = PAGE.read_text(encoding="utf-8")
    shown = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert len(shown) == 2
    for text in shown:
        assert parse_scene(json.dumps(json.loads(text))).scene_id in text
    for word in (*TRIGGERS, *DAYS):
        assert f"`{word}`" in page
