"""What there is to know of a car's signals: frames for the link, and the broker for clients."""

from monocoque.car.signals.service.watching import AWAKE_AFTER_US as AWAKE_AFTER_US
from monocoque.car.signals.service.watching import Seen as Seen
from monocoque.car.signals.service.watching import Watch as Watch
from monocoque.car.signals.service.watching import seen_now as seen_now
from monocoque.car.signals.service.watching import watch_of as watch_of
