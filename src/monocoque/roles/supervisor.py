"""The supervisor of one machine: starts its services and starts them again when they end.

Rules:

* one task per service, in one TaskGroup; cancelling the supervisor ends them all;
* a service that ends or raises is started again after a pause that doubles from
  ``restart_pause_s_min`` to ``restart_pause_s_max``, and is short again once the service has run
  for ``healthy_after_s``; chance spreads the pauses, so that a fleet does not start in step;
* one failing service disturbs no other;
* a cancellation is never lost, whatever a service makes of it.

Left out on purpose: processes. Those are ended and started by whoever made them (roles/cell.py
for nats-server and the cars).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monocoque.contracts.errors import DefectError, MonocoqueError
from monocoque.plumbing.service import Context, Run
from monocoque.roles.config import SupervisorConfig


@dataclass(frozen=True)
class Supervised:
    """One service with its context."""

    context: Context
    run: Run


async def supervise(services: Sequence[Supervised], config: SupervisorConfig) -> None:
    """Run the services until cancelled."""
    own_task = asyncio.current_task()
    assert own_task is not None
    cancelled_before = own_task.cancelling()

    def is_stopping() -> bool:
        return own_task.cancelling() > cancelled_before

    async with asyncio.TaskGroup() as group:
        for service in services:
            work = _keep_running(service, config, is_stopping)
            group.create_task(work, name=_name(service))


async def _keep_running(
    service: Supervised, config: SupervisorConfig, is_stopping: Callable[[], bool]
) -> None:
    context = service.context
    loop = asyncio.get_running_loop()
    pause_s = config.restart_pause_s_min
    while True:
        started_s = loop.time()
        try:
            await service.run(context)
            context.log.error("service ended", service=context.service_name)
        # The one place where every exception is caught: whatever a service dies of, the others go
        # on. An ExceptionGroup comes from the service's own TaskGroup.
        except Exception as error:  # noqa: BLE001
            _report(context, error)
        if is_stopping():
            # The service died of something else at the moment of its cancellation, or ate it.
            raise asyncio.CancelledError
        _forget_cancellations()
        context.metrics.service_restarts.labels(service=context.service_name).inc()
        if loop.time() - started_s >= config.healthy_after_s:
            pause_s = config.restart_pause_s_min
        await asyncio.sleep(pause_s * (0.5 + context.random.random()))
        pause_s = min(pause_s * 2, config.restart_pause_s_max)


def _forget_cancellations() -> None:
    """Take back what a TaskGroup of the service that failed left on this task.

    Before Python 3.13 it cancels the task that waits for it, and does not always take that back.
    """
    task = asyncio.current_task()
    while task is not None and task.cancelling() > 0:
        task.uncancel()


def _report(context: Context, error: Exception) -> None:
    for leaf in leaves(error):
        code = leaf.code if isinstance(leaf, MonocoqueError) else DefectError.code
        context.metrics.errors.labels(where=context.service_name, code=code).inc()
        known = isinstance(leaf, MonocoqueError)
        context.log.error(
            "service failed",
            service=context.service_name,
            error_code=code,
            what=str(leaf) if known else type(leaf).__name__,
            hint=leaf.hint if isinstance(leaf, MonocoqueError) else None,
            # Our own errors say what a person needs; a stranger's needs its trace.
            exc_info=None if known else leaf,
        )


def leaves(error: BaseException) -> list[BaseException]:
    """The errors inside an ExceptionGroup, however deep; the error itself when it is none."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in leaves(inner)]
    return [error]


def _name(service: Supervised) -> str:
    return f"{service.context.machine_id}/{service.context.service_name}"
