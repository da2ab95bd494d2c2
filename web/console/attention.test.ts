import { describe, expect, it } from 'vitest';
import type { Car, OrderBook } from '../lib/api/client.ts';
import { isAway, waiting } from './attention.ts';

const NOW_MS = Date.parse('2026-11-26T10:00:00Z');
const WEEK_S = 10;

function car(last_hello_at: string | null): Car {
  return {
    car_id: 'car_0123456789abcdefghjkmnpqrs',
    online: false,
    last_hello_at,
    boot_count: 1,
    software_version: '0.1.0',
    state: null,
  };
}

function week(begins_at: string, states: OrderBook['states']): OrderBook['weeks'][number] {
  return { begins_at, slots: 8, taken: 0, states };
}

function book(states: OrderBook['states'], weeks: OrderBook['weeks'] = []): OrderBook {
  return { states, weeks, week_duration_s: WEEK_S, now: '2026-11-26T10:00:00Z' };
}

describe('a car', () => {
  it.each([
    ['of which a day ago was heard is not away yet', '2026-11-25T10:00:00Z', false],
    ['that was not heard for more than a day is away', '2026-11-25T09:59:59Z', true],
    ['that was never heard is not away', null, false],
  ] as const)('%s', (_what, last_hello_at, expected) => {
    expect(isAway(car(last_hello_at), NOW_MS)).toBe(expected);
  });
});

describe('what waits for a person', () => {
  it('is nothing in an installation without cars and orders', () => {
    expect(waiting([], book({}), NOW_MS)).toEqual({ away: 0, unpaid: 0, late: 0, untaken: 0 });
  });

  it('is each car that is away, each payment that failed, each car that nobody took over', () => {
    const cars = [car('2026-11-24T10:00:00Z'), car('2026-11-26T09:59:59Z')];
    const states = { placed: 7, payment_declined: 2, built: 3, delivered: 5, cancelled: 4 };
    expect(waiting(cars, book(states), NOW_MS)).toEqual({
      away: 1,
      unpaid: 2,
      late: 0,
      untaken: 3,
    });
  });

  it.each([
    ['whose week goes on is not late', '2026-11-26T09:59:51Z', { paid: 1 }, 0],
    ['whose week is over is late', '2026-11-26T09:59:50Z', { paid: 1 }, 1],
    ['that is in production after its week is late', '2026-11-26T09:59:50Z', { scheduled: 1 }, 1],
    ['that is built is not late', '2026-11-26T09:59:50Z', { built: 1 }, 0],
    ['that is not paid is not late', '2026-11-26T09:59:50Z', { placed: 1 }, 0],
  ] as const)('an order %s', (_what, begins_at, states, expected) => {
    expect(waiting([], book(states, [week(begins_at, states)]), NOW_MS).late).toBe(expected);
  });

  const over = week('2026-11-26T09:00:00Z', { built: 1 });
  const toCome = week('2026-11-26T10:00:10Z', { paid: 2 });

  it.each([
    ['before one that is over is late', [over, toCome], 1],
    ['before one that is to come is not called late', [toCome], 0],
  ] as const)('an order of a week that is not listed, %s', (_what, weeks, expected) => {
    expect(waiting([], book({ paid: 3, built: 1 }, [...weeks]), NOW_MS).late).toBe(expected);
  });
});
