import { describe, expect, it } from 'vitest';
import type { Campaign, CarSoftware } from '../lib/api/client.ts';
import { countsOf, failedOf, newestFirst, versionsOf, wavesOf } from './software.ts';

const car = (release_number: number, update_state = 'none', car_id = '') =>
  ({ car_id, release_number, version: `1.${release_number}.0`, update_state }) as CarSoftware;

describe('software', () => {
  it('counts versions, the newest first, without cars that never spoke', () => {
    expect(versionsOf([car(1), car(2), car(1), car(0)])).toEqual([
      { number: 2, version: '1.2.0', cars: 1 },
      { number: 1, version: '1.1.0', cars: 2 },
    ]);
  });

  it('failed where a car went back or refused', () => {
    const cars = [car(1, 'rolled_back'), car(1, 'refused'), car(2, 'installed'), car(1, 'waiting')];
    expect(failedOf(cars, [])).toHaveLength(2);
  });

  it('has a car that is strange and failed once, as strange', () => {
    const cars = [
      car(1, 'refused', 'both'),
      car(1, 'rolled_back', 'failed'),
      car(1, 'none', 'odd'),
    ];
    const failed = failedOf(cars, [{ car_id: 'both' }, { car_id: 'odd' }]);
    expect(failed.map(({ car_id }) => car_id)).toEqual(['failed']);
  });

  it('shows a wave as five kinds that add up to its cars', () => {
    const phases = [
      { phase: 'installed', cars: 3 },
      { phase: 'booting', cars: 1 },
      { phase: 'waiting', cars: 2 },
      { phase: 'silent', cars: 1 },
      { phase: 'rolled_back', cars: 1 },
      { phase: 'skipped', cars: 1 },
    ] as const;
    const wave = { number: 0, cars: 9, has_begun: true, failed: 2, phases: [...phases] };
    expect(countsOf(wave)).toEqual({ installed: 3, working: 1, open: 2, out: 1, failed: 2 });
  });

  it('lists campaigns from the newest on', () => {
    const campaigns = ['2026-01-01', '2026-01-03', '2026-01-02'].map(
      (started_at) => ({ campaign_id: started_at, started_at }) as Campaign,
    );
    expect(newestFirst(campaigns).map(({ started_at }) => started_at)).toEqual([
      '2026-01-03',
      '2026-01-02',
      '2026-01-01',
    ]);
  });
});

describe('waves', () => {
  it.each([
    ['1, 2', [1, 2]],
    ['1，10', [1, 10]],
    [' 3 ', [3]],
    ['', []],
    ['0', null],
    ['1.5', null],
    ['a', null],
    ['-1', null],
  ])('are what is typed: %s', (typed, waves) => {
    expect(wavesOf(typed)).toEqual(waves);
  });
});
