// What the page makes of the update of a car. Pure.
//
// Rules: the cell says how far the update is and what the owner may still do; the words are the
// page's. What the car needs is compared with what the car said of itself last.

import type { CarUpdate } from '../lib/api/client.ts';
import type { Body } from './view.ts';

/** What to do with the person: ask, show how far it is, tell how it ended, or nothing. */
export type Stage = 'none' | 'asked' | 'agreed' | 'working' | 'installed' | 'ended';

/** Where the update is, as the page tells it. */
export function stageOf({ state, consent, release }: CarUpdate): Stage {
  if (state === 'none') return 'none';
  if (state === 'installed') return 'installed';
  if (state === 'rolled_back' || state === 'refused') return 'ended';
  if (state === 'installing' || state === 'booting') return 'working';
  if (release === null) return 'none';
  return consent === 'given' ? 'agreed' : 'asked';
}

/** Whether the person should see it before all else. */
export function isUrgent(update: CarUpdate): boolean {
  const stage = stageOf(update);
  return stage === 'asked' || stage === 'agreed' || stage === 'working';
}

/** How much of the present step is done; null where nothing can be counted. */
export function progressOf({ state, progress_percent }: CarUpdate): number | null {
  return state === 'downloading' || state === 'installing' || state === 'booting'
    ? progress_percent
    : null;
}

/** What the car needs before it installs, and whether it has it; null before it told of itself. */
export interface Needs {
  readonly isParked: boolean | null;
  readonly isCharged: boolean | null;
  readonly charge_percent: number;
}

export function needsOf(
  release: { readonly needs_charge_percent: number },
  body: Body | null,
): Needs {
  return {
    isParked: body && body.gear === 'park' && body.speed_kmh === 0,
    isCharged: body && body.charge_percent >= release.needs_charge_percent,
    charge_percent: release.needs_charge_percent,
  };
}
