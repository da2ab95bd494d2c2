"""The guard's word about an act, for whoever does it by other means than the virtual body.

Rules: an act that the guard has no word for is refused; the state that is judged is the car's own
record of its body, read when it is asked, and corrected by who knows better.

Left out on purpose: doing it in the same transaction, as the body does; a bus of the vehicle is no
record, so between the word and the frame a moment passes.
"""

from collections.abc import Awaitable, Callable

from monocoque.car.body import service as body
from monocoque.car.body.logic import Body
from monocoque.car.guard.logic import ACTION_UNKNOWN
from monocoque.car.guard.logic import judge as guard
from monocoque.car.signals.logic.acts import Act
from monocoque.car.signals.logic.embodied import ACTUATION_OF
from monocoque.contracts.errors import SignalValueRefused
from monocoque.contracts.signals import check
from monocoque.plumbing.service import Context

Gate = Callable[[Act], Awaitable[str | None]]
"""Says why an act must not be done now, or None."""


def gate_of(context: Context, seen: Callable[[Body], Body] = lambda body: body) -> Gate:
    """The gate of this car; asking it raises what ``transact`` raises.

    seen: the body as it is by what the caller sees of it.
    """

    async def refusal(act: Act) -> str | None:
        actuation = ACTUATION_OF.get(act.number)
        if actuation is None:
            return ACTION_UNKNOWN
        try:
            target = check(actuation.signal, act.target)
        except SignalValueRefused:  # somebody's own catalogue has it otherwise
            return ACTION_UNKNOWN
        now_us = context.clock.now_us()
        present = await context.records.transact(
            lambda c: body.present(c, context.machine_id, now_us)
        )
        return guard(actuation.action(target), actuation.arguments(target), seen(present))

    return refusal
