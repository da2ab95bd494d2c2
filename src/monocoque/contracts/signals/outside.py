"""Signals of body, lights, wheels, brakes and the world around the car."""

from typing import Final

from monocoque.contracts.signals.kinds import Signal
from monocoque.contracts.signals.written import rows

OUTSIDE: Final[tuple[Signal, ...]] = rows("""
501 actuator boolean - - Body.Hood.IsOpen
    Whether the hood is open.
502 actuator boolean - - Body.Trunk.{Front|Rear}.IsOpen
    Whether this trunk is open.
504 actuator boolean - - Body.Trunk.{Front|Rear}.IsLocked
    Whether this trunk is locked.
506 actuator boolean - - Body.Horn.IsActive
    Whether the horn sounds.
507 sensor uint8 percent ..100 Body.Raindetection.Intensity
    How hard it rains on the glass.
508 actuator boolean - - Body.Windshield.{Front|Rear}.IsHeatingOn
    Whether this glass is heated.
510 actuator string - OFF|SLOW|MEDIUM|FAST|INTERVAL|RAIN_SENSOR Body.Windshield.{Front|Rear}.Wiping.Mode
    How this glass is wiped.
512 sensor boolean - - Body.Windshield.{Front|Rear}.WasherFluid.IsLevelLow
    Whether the water for this glass runs out.
514 sensor uint8 percent ..100 Body.Windshield.{Front|Rear}.WasherFluid.Level
    How much water there is for this glass.
516 actuator boolean - - Body.Mirrors.{DriverSide|PassengerSide}.IsHeatingOn
    Whether this mirror is heated.
518 actuator int8 percent -100..100 Body.Mirrors.{DriverSide|PassengerSide}.Tilt
    How far this mirror looks up.
520 actuator int8 percent -100..100 Body.Mirrors.{DriverSide|PassengerSide}.Pan
    How far this mirror looks to the left; VSS deprecates this for Yaw.
522 attribute string - - Body.BodyType
    The kind of body, as its maker calls it.
523 actuator boolean - - Body.Trunk.{Front|Rear}.IsLightOn
    Whether the light in this trunk is on.
530 actuator string - OFF|POSITION|DAYTIME_RUNNING_LIGHTS|AUTO|BEAM Body.Lights.LightSwitch
    Where the switch of the lights stands.
531 actuator boolean - - Body.Lights.IsHighBeamSwitchOn
    Whether the driver wants the high beam.
532 actuator boolean - - Body.Lights.Beam.{Low|High}.IsOn
    Whether this beam is on.
534 sensor boolean - - Body.Lights.Beam.{Low|High}.IsDefect
    Whether this beam is broken.
536 actuator boolean - - Body.Lights.{Running|Backup|Parking|LicensePlate}.IsOn
    Whether this light is on.
540 sensor boolean - - Body.Lights.{Running|Backup|Parking|LicensePlate}.IsDefect
    Whether this light is broken.
544 actuator boolean - - Body.Lights.Fog.{Front|Rear}.IsOn
    Whether this fog light is on.
546 actuator string - INACTIVE|ACTIVE|ADAPTIVE Body.Lights.Brake.IsActive
    How the brake lights burn.
547 sensor boolean - - Body.Lights.Brake.IsDefect
    Whether the brake lights are broken.
548 actuator boolean - - Body.Lights.Hazard.IsSignaling
    Whether all direction indicators blink.
549 actuator boolean - - Body.Lights.DirectionIndicator.{Left|Right}.IsSignaling
    Whether this side blinks.
551 sensor boolean - - Body.Lights.DirectionIndicator.{Left|Right}.IsDefect
    Whether this side is broken.
553 actuator int8 percent -100..100 Body.Mirrors.{DriverSide|PassengerSide}.Yaw
    How far this mirror is turned; above 0 it sees more of the right.
560 sensor~ uint16 kPa - Chassis.Axle.{Row1|Row2}.Wheel.{Left|Right}.Tire.Pressure
    The pressure of this tyre.
564 sensor boolean - - Chassis.Axle.{Row1|Row2}.Wheel.{Left|Right}.Tire.IsPressureLow
    Whether this tyre wants air.
568 sensor~ float Celsius - Chassis.Axle.{Row1|Row2}.Wheel.{Left|Right}.Tire.Temperature
    How warm this tyre is; VSS deprecates this for RubberTemperature.
572 sensor~5 float km/h - Chassis.Axle.{Row1|Row2}.Wheel.{Left|Right}.Speed
    How fast this wheel turns.
576 sensor uint8 percent ..100 Chassis.Axle.{Row1|Row2}.Wheel.{Left|Right}.Brake.PadWear
    How much of these pads is gone.
580 sensor boolean - - Chassis.Axle.{Row1|Row2}.Wheel.{Left|Right}.Brake.IsBrakesWorn
    Whether these pads must be changed.
584 actuator boolean - - Chassis.ParkingBrake.IsEngaged
    Whether the parking brake holds.
585 actuator boolean - - Chassis.ParkingBrake.IsAutoApplyEnabled
    Whether it goes on by itself.
586 sensor~5 int16 degrees - Chassis.SteeringWheel.Angle
    How far the wheel is turned; to the left is positive.
587 actuator uint8 percent 0..100 Chassis.SteeringWheel.{Tilt|Extension}
    Where the wheel is.
589 sensor~5 uint8 percent 0..100 Chassis.{Accelerator|Brake}.PedalPosition
    How far this pedal is down.
591 sensor boolean - - Chassis.Brake.IsDriverEmergencyBrakingDetected
    Whether the driver brakes as in an emergency.
592 attribute uint16 mm - Chassis.Wheelbase
    From the front axle to the rear.
593 attribute uint8 - - Chassis.AxleCount
    How many axles there are.
600 sensor~ float Celsius - Exterior.AirTemperature
    How warm it is outside.
601 sensor~ float percent 0..100 Exterior.{Humidity|LightIntensity}
    What the air outside is like.
603 sensor~ float Celsius - Chassis.Axle.{Row1|Row2}.Wheel.{Left|Right}.Tire.RubberTemperature
    How warm the rubber of this tyre is.
""")  # noqa: E501 - a row is one line
"""Every row."""
