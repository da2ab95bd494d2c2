"""Stands in for cell, maker and car in tests of the phone's pages, with keys of its own.

A test can so say what a real car says only on a bad day.

Rules: it stands behind the same routes and signs with the same code; the page cannot tell. It may
lie where a test tells it to.
"""

import base64
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import BrowserContext, Page, Route

from monocoque.contracts.identifiers import make
from monocoque.trust import base64url
from monocoque.trust.documents import signing_digest
from monocoque.trust.grants import CarKeys, sign_root_grant
from monocoque.trust.keys import PrivateKey, SystemKeyMaker
from monocoque.trust.outcomes import Outcome
from monocoque.trust.receipts import Answer, LogPlace, sign_receipt
from tests.e2e.installation import Installation

CAR = "car_0123456789abcdefghjkmnpqrs"
CODE = "AAAAAAAAAAAAAAAAAAAAAA"
BITS = iter(range(1, 10_000))
STREAMS = """
const Real = window.EventSource;
window.standIn = [];
window.EventSource = function (address) {
  if (!/own-cars|commands|update|scenes/.test(address)) return new Real(address);
  const stream = new EventTarget();
  stream.close = () => { stream.isClosed = true; };
  window.standIn.push(stream);
  setTimeout(() => stream.onopen?.(), 0);
  return stream;
};
window.standInSays = (event, data) => {
  for (const stream of window.standIn.filter((each) => !each.isClosed)) {
    stream.dispatchEvent(new MessageEvent(event, { data }));
  }
};
window.standInBreaks = () => window.standIn.forEach((stream) => stream.onerror?.());
"""


class StandIn:
    """One car, its maker and its cell."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        keys = SystemKeyMaker()
        self.root, self.car, self.seal = (keys.make("ES256") for _ in range(3))
        self.link_root = self.root.key_id
        self.grant: str | None = None
        self.commands: list[dict[str, Any]] = []
        self.documents: dict[str, str] = {}
        self.receipts: list[str] = []
        self.lines: list[dict[str, Any]] = []
        self.place = LogPlace()
        self.is_down = False
        self.is_undecided = False
        """The maker has not answered a hand-over yet."""
        self.update: dict[str, Any] = {
            "car_id": CAR,
            "installed_number": 1,
            "installed_version": "1.0.0",
            "state": "none",
            "reason": "",
            "progress_percent": 0,
            "consent": "not_asked",
            "can_agree": False,
            "can_take_back": False,
            "release": None,
            "heard_at": moment(-3),
        }
        self.scenes: dict[str, Any] = {
            "car_id": CAR,
            "scenes": [],
            "traces": [],
            "requests": [],
            "home": None,
            "said_at": moment(-3),
        }
        self.others: list[str] = []
        """Further cars of this owner, which another browser took over."""
        self.online = True
        self.body: dict[str, Any] = {
            "epoch": "AAAAAAAAAAAAAAAAAAAAAA",
            "locked": False,
            "doors_open": ["row1_left"],
            "climate_on": False,
            "climate_target_celsius": 21.0,
            "cabin_celsius": 8.5,
            "charge_percent": 62.0,
            "charge_limit_percent": 80.0,
            "range_km": 266.0,
            "plugged": True,
            "charging": True,
            "gear": "park",
            "speed_kmh": 0.0,
            "latitude_degrees": 47.3769,
            "longitude_degrees": 8.5417,
            "place_measured_at": moment(-40),
            "occurred_at": moment(-3),
        }

    @property
    def link(self) -> str:
        """The hand-over link of the car."""
        where = self._installation.address("phone", "/hand-over")
        return f"{where}#{CAR}.{CODE}.{self.link_root}"

    async def stand_in(self, context: BrowserContext) -> None:
        """Answer this browser from now on."""
        await context.add_init_script(STREAMS)
        await context.route(re.compile("/api/(own-cars|cars/)"), self._answer)

    async def says(self, page: Page, event: str, item: dict[str, Any]) -> None:
        """Push one event into the page's streams."""
        await page.evaluate(
            "([event, item]) => standInSays(event, JSON.stringify(item))", [event, item]
        )

    async def change(self, page: Page, **body: Any) -> None:
        """The car is otherwise now, and says so."""
        self.body |= body
        await self.says(page, "car", self._car())

    async def offer(self, page: Page, **update: Any) -> None:
        """The update is otherwise now, and the cell says so."""
        self.update |= update
        await self.says(page, "update", self.update)

    async def tell(self, page: Page, **scenes: Any) -> None:
        """Home and scenes are otherwise now, and the cell says so."""
        self.scenes |= scenes
        await self.says(page, "scenes", self.scenes)

    async def settle(
        self, page: Page, state: str, reason: str | None = None, signer: PrivateKey | None = None
    ) -> None:
        """Something became of the newest command; the car signs it, or another signer does."""
        command = self.commands[-1]
        command |= {"state": state, "reason": reason}
        if state in set(Outcome) and signer is not None:
            answer = Answer(
                command_id=command["command_id"],
                key_id=command["key_id"],
                scope=command["scope"],
                command_sha256=digest(self.documents[command["command_id"]]),
                outcome=Outcome(state),
                reason=reason,
            )
            receipt = sign_receipt(answer, self.place, CAR, seconds(), signer)
            command["receipt"] = receipt.decode()
            self.receipts.append(receipt.decode())
            self.place = LogPlace(self.place.sequence + 1, digest(receipt.decode()))
            self._note("answered", command, state)
        elif state == "sent":
            self._note("sent", command, None)
        await self.says(page, "command", command)

    def _note(self, what: str, command: dict[str, Any], outcome: str | None) -> None:
        told = {"kind": what, "command_id": command["command_id"], "outcome": outcome}
        if what == "handed_in":
            told |= {"scope": command["scope"], "key_id": command["key_id"]}
        self.lines.append(told)

    def _logs(self) -> dict[str, Any]:
        entries: list[str] = []
        before = LogPlace().sha256
        for number, told in enumerate(self.lines, 1):
            place = {"number": number, "previous_sha256": before, "time_us": seconds() * 1_000_000}
            entries.append(json.dumps(told | place))
            before = base64url.encode(hashlib.sha256(entries[-1].encode()).digest())
        return {
            "receipts": self.receipts,
            "lines": entries,
            "receipts_count": len(self.receipts),
            "lines_count": len(entries),
            "other_receipt": None,
        }

    def _car(self, car_id: str = CAR) -> dict[str, Any]:
        return {"car_id": car_id, "online": self.online, "body": self.body}

    async def _answer(self, route: Route) -> None:
        if self.is_down:
            await route.abort()
            return
        path, method = route.request.url.split("/api/")[1], route.request.method
        sent = json.loads(route.request.post_data or "{}")
        if path == "own-cars":
            cars = [self._car(car_id) for car_id in self.others]
            cars += [self._car()] if self.grant else []
            await route.fulfill(json={"cars": cars, "now": moment(0)})
        elif path.endswith("/hand-over"):
            await route.fulfill(status=202, json=self._hand_over(sent["request"]))
        elif "/log?" in path:
            await route.fulfill(json=self._logs())
        elif path.endswith("/update"):
            await route.fulfill(json=self.update | {"car_id": path.split("/")[1]})
        elif path.endswith("/scenes"):
            await route.fulfill(json=self.scenes | {"car_id": path.split("/")[1]})
        elif method == "POST":
            await route.fulfill(status=202, json=self._hand_in(sent["command"]))
            await self.says(route.request.frame.page, "command", self.commands[-1])
        elif method == "DELETE":
            self.commands[-1]["state"] = "cancelled"
            await route.fulfill(json=self.commands[-1])
            await self.says(route.request.frame.page, "command", self.commands[-1])
        else:
            await route.fulfill(json={"commands": self.commands, "now": moment(0)})

    def _hand_over(self, request: str) -> dict[str, Any]:
        if self.is_undecided:
            return {"state": "waiting", "refusal_code": None, "grant": None, "maker_root": None}
        jwk = claims_of(request)["cnf"]["jwk"]
        grant_id = make("grant", lambda _bits: next(BITS))
        car_keys = CarKeys(self.car.public_jwk, self.seal.public_jwk)
        grant = sign_root_grant(self.root, grant_id, CAR, jwk, car_keys, seconds())
        self.grant = grant.decode()
        return {
            "state": "granted",
            "refusal_code": None,
            "grant": self.grant,
            "maker_root": dict(self.root.public_jwk),
        }

    def _hand_in(self, document: str) -> dict[str, Any]:
        claims = claims_of(document)
        self.documents[claims["jti"]] = document
        command = {
            "command_id": claims["jti"],
            "scope": claims["scope"],
            "state": "waiting",
            "reason": None,
            "key_id": claims["iss"],
            "accepted_at": moment(0),
            "command": document,
            "deadline_at": moment(claims["exp"] - seconds()),
            "receipt": None,
        }
        self.commands.append(command)
        self._note("handed_in", command, None)
        return command


def claims_of(document: str) -> dict[str, Any]:
    """What a document says, unverified."""
    body = document.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


def digest(document: str) -> str:
    """The digest of what was signed."""
    return signing_digest(document.encode())


def moment(later_s: float) -> str:
    """Now and so much later, as the cell writes it."""
    return (datetime.now(UTC) + timedelta(seconds=later_s)).isoformat().replace("+00:00", "Z")


def seconds() -> int:
    """Now, in seconds since 1970."""
    return int(datetime.now(UTC).timestamp())
