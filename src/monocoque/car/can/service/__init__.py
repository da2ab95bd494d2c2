"""The gateway between the bus of the vehicle and the signals of the car."""

from monocoque.car.can.service.files import load_translation as load_translation
from monocoque.car.can.service.files import own_files as own_files
from monocoque.car.can.service.gateway import Heard as Heard
from monocoque.car.can.service.gateway import needed_of as needed_of
from monocoque.car.can.service.gateway import run as run
from monocoque.car.can.service.gateway import run_gateway as run_gateway
from monocoque.car.can.service.hearing import Hearing as Hearing
from monocoque.car.can.service.hearing import Tally as Tally
