"""The body as physics: how a car is at one moment, and how it becomes that of a later one.

Rules:

* a body is a value at a time (state.py); ``step`` carries it to a later time and never back
  (passing.py). A body that nobody touches jumps from event to event, so that a parked week costs
  next to nothing;
* an actuator that was set moves for a while (deeds.py); when it is jammed then, it is found where
  it was;
* a drive is of a known shape: the car gathers speed, holds it, brakes and parks, so that speed,
  place, distance and energy follow from the time alone (drives.py);
* what heats, charges, drains and ages follows closed forms of ``physics`` (flow.py, stations.py,
  slopes.py), in a weather that stays for half an hour (weather.py);
* it does what it is told. Whether it may, the guard says.

Units stand in the names. Left out on purpose: steering and traffic; sun, rain and wind.
"""

from monocoque.car.body.logic.deeds import begin_drive as begin_drive
from monocoque.car.body.logic.deeds import begin_motion as begin_motion
from monocoque.car.body.logic.deeds import begin_park as begin_park
from monocoque.car.body.logic.deeds import begin_route as begin_route
from monocoque.car.body.logic.deeds import is_at as is_at
from monocoque.car.body.logic.deeds import open_door as open_door
from monocoque.car.body.logic.deeds import plug_in as plug_in
from monocoque.car.body.logic.deeds import shut_doors as shut_doors
from monocoque.car.body.logic.deeds import travel_s as travel_s
from monocoque.car.body.logic.deeds import turn_child_lock as turn_child_lock
from monocoque.car.body.logic.deeds import with_jam as with_jam
from monocoque.car.body.logic.deeds import with_obstacles as with_obstacles
from monocoque.car.body.logic.drives import ACCELERATION_M_PER_S2 as ACCELERATION_M_PER_S2
from monocoque.car.body.logic.drives import SECOND_US as SECOND_US
from monocoque.car.body.logic.drives import SPEED_M_PER_S_MAX as SPEED_M_PER_S_MAX
from monocoque.car.body.logic.drives import Drive as Drive
from monocoque.car.body.logic.loops import LOOP_M as LOOP_M
from monocoque.car.body.logic.motions import Motion as Motion
from monocoque.car.body.logic.parts import DOOR_PARTS as DOOR_PARTS
from monocoque.car.body.logic.parts import MOVING as MOVING
from monocoque.car.body.logic.parts import Parts as Parts
from monocoque.car.body.logic.parts import Speeds as Speeds
from monocoque.car.body.logic.passing import next_event_us as next_event_us
from monocoque.car.body.logic.passing import step as step
from monocoque.car.body.logic.record import of_text as of_text
from monocoque.car.body.logic.record import to_text as to_text
from monocoque.car.body.logic.routes import Place as Place
from monocoque.car.body.logic.routes import Route as Route
from monocoque.car.body.logic.state import DRIVER_DOOR as DRIVER_DOOR
from monocoque.car.body.logic.state import HOME as HOME
from monocoque.car.body.logic.state import HOME_HEIGHT_M as HOME_HEIGHT_M
from monocoque.car.body.logic.state import HOME_LATITUDE_DEGREES as HOME_LATITUDE_DEGREES
from monocoque.car.body.logic.state import HOME_LONGITUDE_DEGREES as HOME_LONGITUDE_DEGREES
from monocoque.car.body.logic.state import OUTSIDE_CELSIUS as OUTSIDE_CELSIUS
from monocoque.car.body.logic.state import Body as Body
from monocoque.car.body.logic.state import in_weather as in_weather
from monocoque.car.body.logic.state import new_body as new_body
from monocoque.car.body.logic.stations import AC as AC
from monocoque.car.body.logic.stations import DC as DC
from monocoque.car.body.logic.stations import WALLBOX as WALLBOX
from monocoque.car.body.logic.stations import Station as Station
from monocoque.car.body.logic.weather import Weather as Weather
