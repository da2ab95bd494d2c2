// What waits for a person, counted from what the console knows. Pure.
//
// Rules: times are the cell's; a car that never said hello is new, not silent; an order is late when
// its production week is over and its car is not built.

import type { Car, OrderBook } from '../lib/api/client.ts';

const AWAY_AFTER_MS = 24 * 60 * 60 * 1_000;

/** How much of each there is. */
export interface Waiting {
  /** Cars that were not heard for more than a day. */
  readonly away: number;
  /** Orders whose last payment failed. */
  readonly unpaid: number;
  /** Orders whose week is over, and whose car is not built. */
  readonly late: number;
  /** Cars that are built, and that nobody has taken over. */
  readonly untaken: number;
}

/** Whether a car was not heard for more than a day. */
export function isAway(car: Car, now_ms: number): boolean {
  return car.last_hello_at !== null && now_ms - Date.parse(car.last_hello_at) > AWAY_AFTER_MS;
}

function unbuilt(states: OrderBook['states']): number {
  return (states.paid ?? 0) + (states.scheduled ?? 0);
}

/** The book lists the latest weeks. Those before one that is over are over, too; of those before one
    that is not, nobody knows. */
function late(book: OrderBook, now_ms: number): number {
  const inTime = book.weeks.filter(
    ({ begins_at }) => Date.parse(begins_at) + book.week_duration_s * 1_000 > now_ms,
  );
  if (inTime.length === book.weeks.length) return 0;
  const notYetDue = inTime.reduce((sum, week) => sum + unbuilt(week.states), 0);
  return Math.max(0, unbuilt(book.states) - notYetDue);
}

/** What waits at `now_ms` of the cell's clock. */
export function waiting(cars: Iterable<Car>, book: OrderBook, now_ms: number): Waiting {
  return {
    away: [...cars].filter((car) => isAway(car, now_ms)).length,
    unpaid: book.states.payment_declined ?? 0,
    late: late(book, now_ms),
    untaken: book.states.built ?? 0,
  };
}
