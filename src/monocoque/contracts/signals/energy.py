"""Signals of the traction battery, its charging, the drive and the 12 V system."""

from typing import Final

from monocoque.contracts.signals.kinds import Signal
from monocoque.contracts.signals.written import rows

ENERGY: Final[tuple[Signal, ...]] = rows("""
101 attribute uint16 V - Powertrain.TractionBattery.NominalVoltage
    The voltage that the battery was designed for.
102 attribute uint16 V - Powertrain.TractionBattery.MaxVoltage
    The voltage of the full battery.
103 attribute uint16 kWh - Powertrain.TractionBattery.GrossCapacity
    What the battery holds as built.
104 sensor uint16 kWh - Powertrain.TractionBattery.NetCapacity
    What of it can be used today.
105 sensor float percent 0..100 Powertrain.TractionBattery.StateOfHealth
    How much of its first capacity the battery still has.
106 sensor~ float percent 0..100 Powertrain.TractionBattery.StateOfCharge.Current
    How full the battery is, as its management knows it.
107 sensor~ float kWh - Powertrain.TractionBattery.StateOfCharge.CurrentEnergy
    The energy that is in the battery.
108 sensor uint32 s - Powertrain.TractionBattery.TimeRemaining
    How long the charge lasts at the present use.
109 sensor float kWh - Powertrain.TractionBattery.AccumulatedChargedEnergy
    Everything that was ever charged.
110 sensor float Ah - Powertrain.TractionBattery.AccumulatedChargedThroughput
    Every charge that ever went in.
111 sensor float kWh - Powertrain.TractionBattery.AccumulatedConsumedEnergy
    Everything that was ever taken out.
112 sensor float Ah - Powertrain.TractionBattery.AccumulatedConsumedThroughput
    Every charge that ever came out.
113 sensor~ float W - Powertrain.TractionBattery.PowerLoss
    What becomes heat inside the battery.
114 sensor~5 float V - Powertrain.TractionBattery.CurrentVoltage
    The voltage at the battery's terminals.
115 sensor~5 float A - Powertrain.TractionBattery.CurrentCurrent
    The battery's current; positive while it is charged.
116 sensor~5 float W - Powertrain.TractionBattery.CurrentPower
    The battery's power; positive while it is charged.
117 sensor~ float Celsius - Powertrain.TractionBattery.Temperature.{Average|Min|Max}
    How warm the cells are.
120 sensor float V - Powertrain.TractionBattery.CellVoltage.{Min|Max}
    The voltage of one cell at the edge of the rest.
122 sensor uint16 - - Powertrain.TractionBattery.CellVoltage.{IdMin|IdMax}
    Which cell has that voltage.
124 sensor boolean - - Powertrain.TractionBattery.{IsPowerConnected|IsGroundConnected}
    Whether the contactor on this side is closed.
126 sensor string[] - - Powertrain.TractionBattery.ErrorCodes
    What the battery's management complains of.
127 attribute string - - Powertrain.TractionBattery.Id
    Which battery it is, as its maker numbers them.
128 attribute string iso8601 - Powertrain.TractionBattery.ProductionDate
    When the battery was made.
129 sensor~ float W - Powertrain.TractionBattery.DCDC.PowerLoss
    What the converter for the 12 V system turns into heat.
130 sensor~ float Celsius - Powertrain.TractionBattery.DCDC.Temperature
    How warm that converter is.
140 sensor boolean - - Powertrain.TractionBattery.Charging.IsDischarging
    Whether the battery gives energy through the plug.
142 sensor~ float A - Powertrain.TractionBattery.Charging.ChargeCurrent.{DC|Phase1|Phase2|Phase3}
    The current on this way in.
146 sensor~ float V - Powertrain.TractionBattery.Charging.ChargeVoltage.{DC|Phase1|Phase2|Phase3}
    The voltage on this way in.
150 sensor float A - Powertrain.TractionBattery.Charging.MaximumChargingCurrent.{DC|Phase1|Phase2|Phase3}
    The most that the car accepts on this way in.
154 sensor~ float km/h - Powertrain.TractionBattery.Charging.ChargeRate
    How fast range is gained.
155 sensor~ float W - Powertrain.TractionBattery.Charging.PowerLoss
    What charging turns into heat.
156 sensor~ float Celsius - Powertrain.TractionBattery.Charging.Temperature
    How warm the charger is.
157 sensor uint32 s - Powertrain.TractionBattery.Charging.TimeToComplete
    How long until charging ends.
158 actuator string - START|STOP Powertrain.TractionBattery.Charging.StartStopCharging
    Begin to charge, or end it.
160 actuator string - INACTIVE|START_TIME|END_TIME Powertrain.TractionBattery.Charging.Timer.Mode
    What the time of the timer means.
161 actuator string iso8601 - Powertrain.TractionBattery.Charging.Timer.Time
    When charging begins, or has to be done.
162 sensor string - - Powertrain.TractionBattery.Charging.EvseId
    Which charging point the plug is in.
163 actuator boolean - - Powertrain.TractionBattery.Charging.ChargingPort.AnyPosition.IsFlapOpen
    Whether the flap of the charging port is open.
165 actuator boolean - - Powertrain.TractionBattery.Charging.ChargingPort.AnyPosition.IsChargingCableLocked
    Whether the plug is held in this port.
170 sensor uint32 m - Powertrain.Range
    How far the car comes with all that it has.
171 sensor uint32 s - Powertrain.TimeRemaining
    How long the car drives with all that it has.
172 attribute string - COMBUSTION|HYBRID|ELECTRIC Powertrain.Type
    What drives the car.
173 sensor float kWh - Powertrain.AccumulatedBrakingEnergy
    Everything that braking ever gave back.
174 actuator boolean - - Powertrain.IsAutoPowerOptimize
    Whether the car chooses by itself how hard it saves.
175 actuator uint8 - 0..10 Powertrain.PowerOptimizeLevel
    How hard the drive saves; 10 saves most.
180 attribute uint16 kW - Powertrain.ElectricMotor.{MaxPower|MaxRegenPower}
    The most that the motor gives, or takes back.
182 attribute uint16 Nm - Powertrain.ElectricMotor.{MaxTorque|MaxRegenTorque}
    The most torque that the motor gives, or takes back.
184 sensor~5 int16 kW - Powertrain.ElectricMotor.Power
    What the motor gives now; negative while it brakes.
185 sensor~5 int16 Nm - Powertrain.ElectricMotor.Torque
    The motor's torque now; negative while it brakes.
186 sensor~5 float rpm - Powertrain.ElectricMotor.Speed
    How fast the motor turns.
187 sensor~ float Celsius - Powertrain.ElectricMotor.Temperature
    How warm the motor is.
190 sensor int8 - - Powertrain.Transmission.CurrentGear
    The gear that is in; 0 is neutral, below it reverse.
191 attribute int8 - - Powertrain.Transmission.GearCount
    How many gears go forward.
192 actuator boolean - - Powertrain.Transmission.IsParkLockEngaged
    Whether the park lock holds the car.
193 actuator string - NORMAL|SPORT|ECONOMY|SNOW|RAIN Powertrain.Transmission.PerformanceMode
    The character of the drive.
194 sensor float km - Powertrain.Transmission.TravelledDistance
    How far this transmission has come.
195 sensor~ float Celsius - Powertrain.Transmission.Temperature
    How warm the transmission is.
196 actuator float percent -100..100 Powertrain.Transmission.TorqueDistribution
    How torque is shared; -100 is the front alone, 100 the rear.
200 attribute uint16 V - LowVoltageBattery.NominalVoltage
    The voltage that the small battery was designed for.
201 attribute uint16 Ah - LowVoltageBattery.NominalCapacity
    What the small battery holds.
203 sensor~ float V - LowVoltageBattery.CurrentVoltage
    The voltage of the small battery.
204 sensor~ float A - LowVoltageBattery.CurrentCurrent
    The small battery's current; positive while it is charged.
205 sensor string - UNDEFINED|LOCK|OFF|ACC|ON|START LowVoltageSystemState
    How far the car is switched on.
""")  # noqa: E501 - a row is one line
"""Every row."""
