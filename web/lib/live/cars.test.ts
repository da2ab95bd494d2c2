import { describe, expect, it } from 'vitest';
import type { Car } from '../api/client.ts';
import { inOrder, judge, shortId } from './cars.ts';

const NOW_MS = Date.parse('2026-11-23T10:00:30Z');

function car(change: Partial<Car> = {}): Car {
  return {
    car_id: 'car_0123456789abcdefghjkmnpqrs',
    online: true,
    last_hello_at: '2026-11-23T10:00:00Z',
    boot_count: 1,
    software_version: '0.1.0',
    state: null,
    ...change,
  };
}

describe('a car', () => {
  it.each([
    ['is online up to the window', car(), 0, true, 'online'],
    ['is silent past the window though nobody said so', car(), 1, true, 'silent'],
    ['is silent when the cell says so', car({ online: false }), -20_000, true, 'silent'],
    ['that never said hello is not called silent', car({ last_hello_at: null }), 0, true, 'never'],
    ['is not called online while the connection is lost', car(), 0, false, 'unknown'],
    ['stays silent while the connection is lost', car({ online: false }), 0, false, 'silent'],
  ] as const)('%s', (_what, one, later_ms, isConnected, presence) => {
    expect(judge(one, NOW_MS + later_ms, 30, isConnected)).toBe(presence);
  });
});

describe('a list of cars', () => {
  it('keeps its order whoever spoke last', () => {
    const [a, b] = [car({ car_id: 'car_a' }), car({ car_id: 'car_b' })];
    expect(inOrder([b, a])).toEqual([a, b]);
  });

  it.each([
    ['car_0123456789abcdefghjkmnpqrs', 'car_01234…npqrs'],
    ['car_short', 'car_short'],
    ['strange', 'strange'],
  ])('shows %s as %s', (whole, short) => {
    expect(shortId(whole)).toBe(short);
  });
});
