// What the console knows of the cars, and how it judges them. Pure.
//
// Rules: a car is silent when the cell says so, or when its last hello is older than the window,
// even if no event arrives; while the connection is lost nobody is called online any more, since
// we cannot know; times are judged by the cell's clock, not the browser's.

import type { Car } from '../api/client.ts';

export type Presence = 'online' | 'silent' | 'never' | 'unknown';

/** How a car stands at `now_ms` of the cell's clock. */
export function judge(car: Car, now_ms: number, window_s: number, isConnected: boolean): Presence {
  if (!car.last_hello_at) return 'never';
  if (!car.online) return 'silent';
  if (now_ms - Date.parse(car.last_hello_at) > window_s * 1_000) return 'silent';
  return isConnected ? 'online' : 'unknown';
}

/** In a fixed order, so that nothing jumps while one reads. */
export function inOrder(cars: Iterable<Car>): Car[] {
  return [...cars].sort((a, b) => (a.car_id < b.car_id ? -1 : 1));
}

/** A long identifier as it is shown: its prefix, the first and the last five characters. */
export function shortId(identifier: string): string {
  const [prefix, body] = identifier.split('_');
  if (!prefix || !body || body.length < 14) return identifier;
  return `${prefix}_${body.slice(0, 5)}…${body.slice(-5)}`;
}
