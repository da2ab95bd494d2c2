"""Telemetry: takes the cars' frames into the lake, and tells each car how far (taking.py).

Left out on purpose: reading the lake.
"""

from monocoque.plumbing.service import Context


async def run(context: Context) -> None:
    """Take frames until cancelled."""
    # Imported here: a process without telemetry, such as the cars', loads nothing of numpy.
    from monocoque.cloud.telemetry.service.taking import Taking

    await Taking(context).take()
