"""Updates of the car's control units."""

from monocoque.car.updates.service.consent import UNDER_WAY as UNDER_WAY
from monocoque.car.updates.service.consent import agree as agree
