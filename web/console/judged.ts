// A car and how it stands right now.

import type { Car } from '../lib/api/client.ts';
import type { Presence } from '../lib/live/cars.ts';

export interface Judged {
  readonly car: Car;
  readonly presence: Presence;
}
