// What the page of software makes of cars and campaigns. Pure.
//
// Rules: a phase is one of five things to the eye; versions are counted over the cars that have
// spoken; what somebody typed for waves is whole numbers or nothing.

import type { Campaign, CarSoftware } from '../lib/api/client.ts';

type Wave = Campaign['waves'][number];
export type Phase = Wave['phases'][number]['phase'];

/** What a phase is to the eye. */
export type Kind = 'installed' | 'working' | 'open' | 'failed' | 'out';

export const KINDS = ['installed', 'working', 'open', 'out', 'failed'] as const;

const KIND_OF: Readonly<Record<Phase, Kind>> = {
  held: 'open',
  directed: 'open',
  offered: 'open',
  downloading: 'open',
  waiting: 'open',
  installing: 'working',
  booting: 'working',
  installed: 'installed',
  rolled_back: 'failed',
  refused: 'failed',
  silent: 'failed',
  withdrawn: 'out',
  skipped: 'out',
};

/** How many cars of a wave are which. */
export function countsOf({ phases }: Wave): Record<Kind, number> {
  const counts = { installed: 0, working: 0, open: 0, out: 0, failed: 0 };
  for (const { phase, cars } of phases) counts[KIND_OF[phase] ?? 'open'] += cars;
  return counts;
}

export interface Version {
  readonly number: number;
  readonly version: string;
  readonly cars: number;
}

/** How many cars have which version, the newest first. */
export function versionsOf(cars: readonly CarSoftware[]): Version[] {
  const found = new Map<number, Version>();
  for (const { release_number: number, version } of cars) {
    if (number === 0) continue;
    const before = found.get(number);
    found.set(number, { number, version, cars: (before?.cars ?? 0) + 1 });
  }
  return [...found.values()].sort((a, b) => b.number - a.number);
}

/** Cars whose last update failed, without those that are told of as strange: a car waits for a person
    once. */
export function failedOf(
  cars: readonly CarSoftware[],
  strange: readonly Pick<CarSoftware, 'car_id'>[],
): CarSoftware[] {
  const toldOf = new Set(strange.map(({ car_id }) => car_id));
  return cars.filter(
    ({ car_id, update_state: state }) =>
      (state === 'rolled_back' || state === 'refused') && !toldOf.has(car_id),
  );
}

/** The newest first. */
export function newestFirst(campaigns: Iterable<Campaign>): Campaign[] {
  return [...campaigns].sort((a, b) =>
    a.started_at === b.started_at
      ? b.campaign_id.localeCompare(a.campaign_id)
      : b.started_at.localeCompare(a.started_at),
  );
}

/** 1, 2 as [1, 2]; null for what is no list of whole numbers above zero. Nothing is one wave. */
export function wavesOf(typed: string): number[] | null {
  if (typed.trim() === '') return [];
  const parts = typed.split(/[\s,，、]+/).filter((part) => part !== '');
  if (!parts.every((part) => /^[1-9]\d{0,7}$/.test(part))) return null;
  return parts.map(Number);
}
