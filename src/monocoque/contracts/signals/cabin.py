"""Signals of doors, windows, seats, climate and what else is in the cabin."""

from typing import Final

from monocoque.contracts.signals.kinds import Signal
from monocoque.contracts.signals.written import rows

CABIN: Final[tuple[Signal, ...]] = rows("""
301 actuator boolean - - Cabin.Door.Row1.PassengerSide.IsLocked
    Whether this door is locked.
302 actuator boolean - - Cabin.Door.Row2.{DriverSide|PassengerSide}.IsLocked
    Whether this door is locked.
304 actuator boolean - - Cabin.Door.Row1.PassengerSide.IsOpen
    Whether this door stands open.
305 actuator boolean - - Cabin.Door.Row2.{DriverSide|PassengerSide}.IsOpen
    Whether this door stands open.
307 sensor boolean - - Cabin.Door.{Row1|Row2}.{DriverSide|PassengerSide}.IsChildLockActive
    Whether this door opens from outside alone.
311 actuator uint8 percent 0..100 Cabin.Door.{Row1|Row2}.{DriverSide|PassengerSide}.Window.Position
    How far this window is open; 100 is all the way.
315 actuator boolean - - Cabin.Door.{Row1|Row2}.{DriverSide|PassengerSide}.Window.IsOpen
    Whether this window is open, however little.
319 actuator string - INACTIVE|CLOSE|OPEN|ONE_SHOT_CLOSE|ONE_SHOT_OPEN Cabin.Door.{Row1|Row2}.{DriverSide|PassengerSide}.Window.Switch
    What the switch of this window is told.
323 actuator uint8 percent 0..100 Cabin.Door.Row2.{DriverSide|PassengerSide}.Shade.Position
    How far this shade is drawn; 100 is all the way.
325 actuator boolean - - Cabin.IsWindowChildLockEngaged
    Whether the switches of the rear windows are dead.
326 attribute uint8 - - Cabin.{DoorCount|SeatRowCount}
    How many the cabin has.
328 attribute uint8[] - - Cabin.SeatPosCount
    How many seats each row has.
329 attribute string - LEFT|MIDDLE|RIGHT Cabin.DriverPosition
    Where the driver sits.
330 sensor int8 percent -100..100 Cabin.Sunroof.Position
    How far the roof is open; below 0 it is tilted.
331 actuator string - INACTIVE|CLOSE|OPEN|ONE_SHOT_CLOSE|ONE_SHOT_OPEN|TILT_UP|TILT_DOWN Cabin.Sunroof.Switch
    What the switch of the roof is told.
332 actuator uint8 percent ..100 Cabin.RearviewMirror.DimmingLevel
    How dark the mirror is.
333 actuator uint8 - 0..10 Cabin.PowerOptimizeLevel
    How hard the cabin saves; 10 saves most.
340 actuator boolean - - Cabin.HVAC.{IsRecirculationActive|IsFrontDefrosterActive|IsRearDefrosterActive}
    Whether this part of the climate is on.
343 actuator uint8 - 0..10 Cabin.HVAC.PowerOptimizeLevel
    How hard the climate saves; 10 saves most.
344 actuator float Celsius -50..50 Cabin.HVAC.Station.Row1.Passenger.Temperature
    How warm it shall be at this seat.
345 actuator float Celsius -50..50 Cabin.HVAC.Station.Row2.{Driver|Passenger}.Temperature
    How warm it shall be at this seat.
347 actuator uint8 percent 0..100 Cabin.HVAC.Station.{Row1|Row2}.{Driver|Passenger}.FanSpeed
    How hard the fan of this seat blows.
351 actuator string - UP|MIDDLE|DOWN Cabin.HVAC.Station.{Row1|Row2}.{Driver|Passenger}.AirDistribution
    Where the air of this seat goes.
364 sensor boolean - - Cabin.Seat.{Row1|Row2}.{DriverSide|PassengerSide}.IsBelted
    Whether the belt of this seat is closed.
368 actuator int8 percent -100..100 Cabin.Seat.{Row1|Row2}.{DriverSide|PassengerSide}.HeatingCooling
    How much this seat is heated; below 0 it is cooled.
372 actuator uint16 mm 0.. Cabin.Seat.Row1.{DriverSide|PassengerSide}.Position
    How far back this seat is.
374 actuator uint16 mm 0.. Cabin.Seat.Row1.{DriverSide|PassengerSide}.Height
    How high this seat is.
376 actuator float degrees - Cabin.Seat.Row1.{DriverSide|PassengerSide}.Tilt
    How far the front of this seat is up.
378 actuator float degrees - Cabin.Seat.Row1.{DriverSide|PassengerSide}.Backrest.Recline
    How far this backrest leans back.
382 actuator uint8 mm 0.. Cabin.Seat.Row1.{DriverSide|PassengerSide}.Headrest.Height
    How high this headrest is.
386 sensor boolean - - Cabin.Seat.Row1.{DriverSide|PassengerSide}.Airbag.IsDeployed
    Whether this airbag went off.
388 actuator float percent 0..100 Cabin.Seat.Row1.{DriverSide|PassengerSide}.Backrest.LumbarSupport
    How firmly this backrest holds the small of the back.
390 actuator boolean - - Cabin.Light.{IsDomeOn|IsGloveBoxOn}
    Whether this light is on.
393 actuator boolean - - Cabin.Light.AmbientLight.Row1.{DriverSide|PassengerSide}.IsLightOn
    Whether the mood light is on here.
395 actuator uint8 percent 1..100 Cabin.Light.AmbientLight.Row1.{DriverSide|PassengerSide}.Intensity
    How bright the mood light is here.
397 actuator uint8 percent 0..100 Cabin.Infotainment.Media.Volume
    How loud it plays.
398 actuator string - UNKNOWN|STOP|PLAY|FAST_FORWARD|FAST_BACKWARD|SKIP_FORWARD|SKIP_BACKWARD Cabin.Infotainment.Media.Action
    What the player is told.
399 actuator double degrees -90..90 Cabin.Infotainment.Navigation.DestinationSet.Latitude
    Where the guidance leads (WGS 84).
400 actuator double degrees -180..180 Cabin.Infotainment.Navigation.DestinationSet.Longitude
    Where the guidance leads (WGS 84).
401 sensor string - UNKNOWN|OCCUPIED|EMPTY Cabin.Seat.{Row1|Row2}.{DriverSide|PassengerSide}.OccupancyStatus
    Whether somebody sits here.
405 actuator uint8 percent 0..100 Cabin.Seat.Row1.{DriverSide|PassengerSide}.Massage.Level
    How hard this seat kneads.
""")  # noqa: E501 - a row is one line
"""Every row."""
