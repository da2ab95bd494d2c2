"""What campaigns must not forget: each car's software, its directions, and how campaigns go.

Rules:

* a car's manifest and its directions are kept as the very bytes that were signed;
* ``campaigns_counts`` follows ``campaigns_members`` row by row, in the same transaction, so that to
  count a campaign takes no longer however many cars are in it;
* directions that were not put on the bus yet are those with ``unsent_us``.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

metadata = MetaData()

campaigns = Table(
    "campaigns_campaigns",
    metadata,
    Column("campaign_id", String(64), primary_key=True),
    Column("release_number", BigInteger, nullable=False),
    Column("version", String(64), nullable=False),
    Column("query", Text, nullable=False),
    Column("waves", Text, nullable=False),
    Column("cars", Integer, nullable=False),
    Column("left_out", Integer, nullable=False),
    Column("failures_max", Integer, nullable=False),
    Column("soak_us", BigInteger, nullable=False),
    Column("silent_us", BigInteger, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", String(64), nullable=False),
    Column("wave", Integer, nullable=False),
    Column("wave_began_us", BigInteger, nullable=False),
    Column("started_by", String(64), nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
)
"""One row per campaign; ``waves`` is a JSON list of how many cars each has."""

members = Table(
    "campaigns_members",
    metadata,
    Column("campaign_id", String(64), primary_key=True),
    Column("car_id", String(64), primary_key=True),
    Column("release_number", BigInteger, nullable=False),
    Column("added_us", BigInteger, nullable=False),
    Column("wave", Integer, nullable=False),
    Column("phase", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("progress_percent", Integer, nullable=False),
    Column("is_directed", Boolean, nullable=False),
    Column("was_directed", Boolean, nullable=False),
    Column("is_forgiven", Boolean, nullable=False),
    Column("silent_due_us", BigInteger),
    Column("changed_us", BigInteger, nullable=False),
    Index("campaigns_members_by_phase", "campaign_id", "phase", "is_directed", "car_id"),
    Index("campaigns_members_of_car", "car_id"),
    Index("campaigns_members_due", "silent_due_us"),
)
"""One row per car of a campaign. ``is_directed``: its directions name this campaign's release."""

counts = Table(
    "campaigns_counts",
    metadata,
    Column("campaign_id", String(64), primary_key=True),
    Column("wave", Integer, primary_key=True, autoincrement=False),
    Column("phase", String(16), primary_key=True),
    Column("is_forgiven", Boolean, primary_key=True),
    Column("cars", Integer, nullable=False),
)
"""How many cars of each wave are in each phase."""

vehicles = Table(
    "campaigns_vehicles",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("campaign_id", String(64), index=True),
    Column("sequence", BigInteger, nullable=False),
    Column("manifest", LargeBinary),
    Column("inventory", Text),
    Column("numbers", Text, nullable=False),
    Column("release_number", BigInteger, nullable=False),
    Column("version", String(64), nullable=False),
    Column("is_mixed", Boolean, nullable=False, index=True),
    Column("directions_version", BigInteger, nullable=False),
    Column("update_number", BigInteger, nullable=False),
    Column("update_state", String(16), nullable=False),
    Column("update_reason", String(64), nullable=False),
    Column("update_percent", Integer, nullable=False),
    Column("agreed", Boolean),
    Column("heard_us", BigInteger),
    Column("attention", String(64), index=True),
    Column("attention_us", BigInteger),
    Column("refusals", BigInteger, nullable=False),
    Column("refusal_code", String(64), nullable=False),
    Column("refused_us", BigInteger),
)
"""One row per car that sent a manifest or is in a campaign. ``campaign_id``: the campaign that has
the car for itself. ``attention``: why a person must look at it. ``numbers``: the release in each
control unit, JSON. ``release_number``, ``version``: what the car has as a whole; while ``is_mixed``
some of its units have a newer one."""

directions = Table(
    "campaigns_directions",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("campaign_id", String(64)),
    Column("release_number", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("timestamp_version", BigInteger, nullable=False),
    Column("targets", LargeBinary, nullable=False),
    Column("snapshot", LargeBinary, nullable=False),
    Column("timestamp", LargeBinary, nullable=False),
    Column("signed_us", BigInteger, nullable=False),
    Column("unsent_us", BigInteger, index=True),
)
"""What the director says to each car; ``release_number`` 0 for nothing to install. ``signed_us``:
when targets and snapshot were."""

_SOUGHT: Final[BindParameter[Any]] = bindparam("sought")
_CAMPAIGN: Final[BindParameter[Any]] = bindparam("sought_campaign")
_NEVER_HEARD: Final = {
    "sequence": 0,
    "numbers": "{}",
    "release_number": 0,
    "version": "",
    "is_mixed": False,
    "directions_version": 0,
    "update_number": 0,
    "update_state": "none",
    "update_reason": "",
    "update_percent": 0,
    "refusals": 0,
    "refusal_code": "",
}
_FIND_VEHICLE: Final = select(vehicles).where(vehicles.c.car_id == _SOUGHT)
_SAVE_VEHICLE: Final = update(vehicles).where(vehicles.c.car_id == _SOUGHT)
_FIND_DIRECTIONS: Final = select(directions).where(directions.c.car_id == _SOUGHT)
_SAVE_DIRECTIONS: Final = update(directions).where(directions.c.car_id == _SOUGHT)
_IS_MEMBER: Final = (members.c.campaign_id == _CAMPAIGN) & (members.c.car_id == _SOUGHT)
_SAVE_MEMBER: Final = update(members).where(_IS_MEMBER)
_MEMBERS_OF_CAR: Final = (
    select(members)
    .where(members.c.car_id == _SOUGHT)
    .order_by(members.c.added_us.desc(), members.c.campaign_id)
)
_LET_GO: Final = update(members).where(
    members.c.car_id == _SOUGHT,
    members.c.campaign_id != _CAMPAIGN,
    members.c.is_directed.is_(True),
    members.c.phase.not_in(bindparam("phases", expanding=True)),
)
_SAME_COUNT: Final = (
    (counts.c.campaign_id == _CAMPAIGN)
    & (counts.c.wave == bindparam("sought_wave"))
    & (counts.c.phase == bindparam("sought_phase"))
    & (counts.c.is_forgiven == bindparam("sought_forgiven"))
)
_COUNT: Final = (
    update(counts).where(_SAME_COUNT).values(cars=counts.c.cars + bindparam("difference"))
)
_COUNTS_OF: Final = (
    select(counts).where(counts.c.campaign_id == _CAMPAIGN).order_by(counts.c.wave, counts.c.phase)
)
_NOT_FINISHED: Final = (
    select(campaigns)
    .where(campaigns.c.state.in_(bindparam("states", expanding=True)))
    .order_by(campaigns.c.started_us, campaigns.c.campaign_id)
)
_SILENT: Final = (
    select(members)
    .where(members.c.silent_due_us <= bindparam("now_us"))
    .order_by(members.c.silent_due_us, members.c.campaign_id, members.c.car_id)
    .limit(bindparam("count_max"))
)
_NEXT_SILENT: Final = select(func.min(members.c.silent_due_us))
_TO_CALL_BACK: Final = (
    select(members)
    .where(
        members.c.campaign_id == _CAMPAIGN,
        members.c.phase.in_(bindparam("phases", expanding=True)),
        members.c.is_directed.is_(True),
    )
    .order_by(members.c.car_id)
    .limit(bindparam("count_max"))
)
_TO_DIRECT: Final = (
    select(
        members,
        vehicles.c.inventory,
        vehicles.c.numbers,
        vehicles.c.is_mixed,
    )
    .join(vehicles, vehicles.c.car_id == members.c.car_id)
    .where(
        members.c.campaign_id == _CAMPAIGN,
        members.c.phase.in_(bindparam("phases", expanding=True)),
        members.c.is_directed.is_(False),
        members.c.wave <= bindparam("wave"),
        vehicles.c.inventory.is_not(None),
        vehicles.c.attention.is_(None),
    )
    .order_by(members.c.wave, members.c.car_id)
    .limit(bindparam("count_max"))
)
_UNSENT: Final = (
    select(directions)
    .where(directions.c.unsent_us.is_not(None))
    .order_by(directions.c.unsent_us, directions.c.car_id)
    .limit(bindparam("count_max"))
)
_NOTE_SENT: Final = (
    update(directions)
    .where(directions.c.car_id == _SOUGHT, directions.c.timestamp_version == bindparam("said"))
    .values(unsent_us=None)
)


# --- vehicles ---------------------------------------------------------------------------------


def find_vehicle(connection: Connection, car_id: str) -> Row[Any] | None:
    """What is known of one car's software."""
    return connection.execute(_FIND_VEHICLE, {"sought": car_id}).one_or_none()


def save_vehicle(connection: Connection, car_id: str, values: dict[str, Any]) -> None:
    """Set these columns of one car, whose row is made when there is none."""
    changed = connection.execute(_SAVE_VEHICLE, {"sought": car_id} | values)
    if changed.rowcount == 0:
        connection.execute(insert(vehicles).values(car_id=car_id, **_NEVER_HEARD | values))


def all_vehicles(connection: Connection) -> Sequence[Row[Any]]:
    """Every car, by its identifier."""
    return connection.execute(select(vehicles).order_by(vehicles.c.car_id)).all()


def vehicles_of(connection: Connection, car_ids: Collection[str]) -> Sequence[Row[Any]]:
    """The rows of these cars that have one."""
    wanted = select(vehicles).where(vehicles.c.car_id.in_(list(car_ids)))
    return connection.execute(wanted).all()


def vehicles_page(connection: Connection, after: str, count_max: int) -> Sequence[Row[Any]]:
    """Cars behind that one, by identifier."""
    wanted = select(vehicles).where(vehicles.c.car_id > after).order_by(vehicles.c.car_id)
    return connection.execute(wanted.limit(count_max)).all()


def with_attention(
    connection: Connection, moving: Collection[str], count_max: int
) -> Sequence[Row[Any]]:
    """Cars that a person must look at, the newest first.

    moving: the states of an update in which the control units of a car may differ.
    """
    differ = vehicles.c.is_mixed.is_(True) & vehicles.c.update_state.not_in(list(moving))
    wanted = select(vehicles).where(vehicles.c.attention.is_not(None) | differ)
    order = (vehicles.c.attention_us.desc(), vehicles.c.car_id)
    return connection.execute(wanted.order_by(*order).limit(count_max)).all()


def free_vehicles(connection: Connection, campaign_id: str, but: Collection[str]) -> None:
    """The campaign has its cars no longer for itself, but for those in these phases."""
    kept = select(members.c.car_id).where(
        members.c.campaign_id == campaign_id, members.c.phase.in_(list(but))
    )
    mine = (vehicles.c.campaign_id == campaign_id) & vehicles.c.car_id.not_in(kept)
    connection.execute(update(vehicles).where(mine).values(campaign_id=None))


def held_by_others(connection: Connection, campaign_id: str, phases: Collection[str]) -> list[str]:
    """Cars of a campaign in these phases that another one has for itself."""
    wanted = (
        select(members.c.car_id)
        .join(vehicles, vehicles.c.car_id == members.c.car_id)
        .where(
            members.c.campaign_id == campaign_id,
            members.c.phase.in_(list(phases)),
            vehicles.c.campaign_id.is_not(None),
            vehicles.c.campaign_id != campaign_id,
        )
        .order_by(members.c.car_id)
    )
    return list(connection.execute(wanted).scalars())


def take_vehicles(connection: Connection, campaign_id: str, phases: Collection[str]) -> None:
    """The campaign has its cars in these phases for itself."""
    wanted = select(members.c.car_id).where(
        members.c.campaign_id == campaign_id, members.c.phase.in_(list(phases))
    )
    mine = vehicles.c.car_id.in_(wanted)
    connection.execute(update(vehicles).where(mine).values(campaign_id=campaign_id))


# --- campaigns and their cars -----------------------------------------------------------------


def add_campaign(connection: Connection, values: dict[str, Any]) -> None:
    """Note a campaign."""
    connection.execute(insert(campaigns).values(**values))


def find_campaign(connection: Connection, campaign_id: str) -> Row[Any] | None:
    """One campaign."""
    wanted = select(campaigns).where(campaigns.c.campaign_id == campaign_id)
    return connection.execute(wanted).one_or_none()


def save_campaign(connection: Connection, campaign_id: str, values: dict[str, Any]) -> None:
    """Set these columns of one campaign."""
    same = campaigns.c.campaign_id == campaign_id
    connection.execute(update(campaigns).where(same).values(**values))


def campaigns_in(connection: Connection, states: Collection[str]) -> Sequence[Row[Any]]:
    """The campaigns in these states, the oldest first."""
    return connection.execute(_NOT_FINISHED, {"states": list(states)}).all()


def newest_campaigns(connection: Connection, count_max: int) -> Sequence[Row[Any]]:
    """Campaigns, the newest first."""
    order = (campaigns.c.started_us.desc(), campaigns.c.campaign_id)
    return connection.execute(select(campaigns).order_by(*order).limit(count_max)).all()


def add_members(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Put cars into a campaign."""
    connection.execute(insert(members), rows)


def members_of_car(connection: Connection, car_id: str) -> Sequence[Row[Any]]:
    """What a car was in, the newest first."""
    return connection.execute(_MEMBERS_OF_CAR, {"sought": car_id}).all()


def members_page(
    connection: Connection, campaign_id: str, after: str, count_max: int
) -> Sequence[Row[Any]]:
    """Cars of a campaign behind that one, by identifier."""
    wanted = select(members).where(members.c.campaign_id == campaign_id, members.c.car_id > after)
    return connection.execute(wanted.order_by(members.c.car_id).limit(count_max)).all()


def save_member(
    connection: Connection, campaign_id: str, car_id: str, values: dict[str, Any]
) -> None:
    """Set these columns of one car of a campaign; ``count`` belongs to it."""
    connection.execute(_SAVE_MEMBER, {"sought": car_id, "sought_campaign": campaign_id} | values)


def change_members(
    connection: Connection, campaign_id: str, phases: Collection[str], values: dict[str, Any]
) -> None:
    """Set these columns of a campaign's cars in these phases; then ``count_anew``."""
    these = (members.c.campaign_id == campaign_id) & members.c.phase.in_(list(phases))
    connection.execute(update(members).where(these).values(**values))


def let_go(connection: Connection, car_id: str, campaign_id: str, but: Collection[str]) -> None:
    """The directions of this car are no other campaign's any more.

    but: phases in which another campaign has still to call the car back, by its own count.
    """
    sought = {"sought": car_id, "sought_campaign": campaign_id, "phases": list(but)}
    connection.execute(_LET_GO, sought | {"is_directed": False})


def silent_members(connection: Connection, now_us: int, count_max: int) -> Sequence[Row[Any]]:
    """Cars of campaigns that began to install and said nothing for too long."""
    return connection.execute(_SILENT, {"now_us": now_us, "count_max": count_max}).all()


def next_silent_us(connection: Connection) -> int | None:
    """When the next car will have said nothing for too long."""
    found: int | None = connection.execute(_NEXT_SILENT).scalar_one()
    return found


def members_to_call_back(
    connection: Connection, campaign_id: str, phases: Collection[str], count_max: int
) -> Sequence[Row[Any]]:
    """Cars in these phases that are directed."""
    sought = {"sought_campaign": campaign_id, "phases": list(phases), "count_max": count_max}
    return connection.execute(_TO_CALL_BACK, sought).all()


def members_to_direct(
    connection: Connection, campaign_id: str, phases: Collection[str], wave: int, count_max: int
) -> Sequence[Row[Any]]:
    """Cars in these phases and up to this wave that are not directed, and can be."""
    sought = {"sought_campaign": campaign_id, "phases": list(phases), "wave": wave}
    return connection.execute(_TO_DIRECT, sought | {"count_max": count_max}).all()


def count(
    connection: Connection,
    campaign_id: str,
    wave: int,
    phase: str,
    is_forgiven: bool,
    difference: int,
) -> None:
    """So many cars more, or fewer, are in this phase."""
    key = {
        "sought_campaign": campaign_id,
        "sought_wave": wave,
        "sought_phase": phase,
        "sought_forgiven": is_forgiven,
    }
    changed = connection.execute(_COUNT, key | {"difference": difference})
    if changed.rowcount == 0:
        values = {"campaign_id": campaign_id, "wave": wave, "phase": phase}
        connection.execute(
            insert(counts).values(**values, is_forgiven=is_forgiven, cars=difference)
        )


def count_anew(connection: Connection, campaign_id: str) -> None:
    """Count every car of a campaign, after many of them changed at once."""
    connection.execute(delete(counts).where(counts.c.campaign_id == campaign_id))
    keys = (members.c.wave, members.c.phase, members.c.is_forgiven)
    counted = select(*keys, func.count().label("cars")).where(members.c.campaign_id == campaign_id)
    found = connection.execute(counted.group_by(*keys)).all()
    if found:
        rows = [{"campaign_id": campaign_id} | dict(row._mapping) for row in found]
        connection.execute(insert(counts), rows)


def counts_of(connection: Connection, campaign_id: str) -> Sequence[Row[Any]]:
    """How many cars of each wave are in each phase."""
    return connection.execute(_COUNTS_OF, {"sought_campaign": campaign_id}).all()


# --- directions -------------------------------------------------------------------------------


def find_directions(connection: Connection, car_id: str) -> Row[Any] | None:
    """What was said to a car last."""
    return connection.execute(_FIND_DIRECTIONS, {"sought": car_id}).one_or_none()


def save_directions(connection: Connection, car_id: str, values: dict[str, Any]) -> None:
    """Set these columns of a car's directions, whose row is made when there is none."""
    changed = connection.execute(_SAVE_DIRECTIONS, {"sought": car_id} | values)
    if changed.rowcount == 0:
        connection.execute(insert(directions).values(car_id=car_id, **values))


def unsent_directions(connection: Connection, count_max: int) -> Sequence[Row[Any]]:
    """Directions that are not on the bus yet, the oldest first."""
    return connection.execute(_UNSENT, {"count_max": count_max}).all()


def note_sent(connection: Connection, sent: Sequence[tuple[str, int]]) -> None:
    """These are on the bus: cars, and the version of the timestamp; newer ones are not."""
    connection.execute(
        _NOTE_SENT, [{"sought": car_id, "said": version} for car_id, version in sent]
    )
