// The software of the fleet for as long as a page shows it: campaigns live, and what changes with
// them read again whenever one does.
//
// Rules: at most one reading at a time, with a pause between two; a car that changes outside of every
// campaign is seen at the next look.

import { untrack } from 'svelte';
import {
  type Campaign,
  type CarSoftware,
  type ReleaseSummary,
  readReleases,
  readSoftware,
  readSoftwareAttention,
  type SoftwareAttention,
} from '../lib/api/client.ts';
import { type Problem, problemOf } from '../lib/api/problem.ts';
import { type Followed, followed } from '../lib/live/followed.svelte.ts';
import { CAMPAIGNS } from './sources.ts';

const READ_PAUSE_MS = 2_000;
const LOOK_AGAIN_MS = 30_000;
const PAGES_MAX = 20;

export interface Software {
  readonly cars: readonly CarSoftware[];
  /** Whether there are more cars than were read. */
  readonly hasMore: boolean;
  readonly attention: SoftwareAttention;
  readonly releases: readonly ReleaseSummary[];
}

export interface SoftwareNow {
  readonly campaigns: Followed<Campaign>;
  /** Null until it was read. */
  readonly known: Software | null;
  /** Why it could not be read last time. */
  readonly problem: Problem | null;
  /** Read it again soon. */
  readAgain(): void;
}

/** Follow the software until the component that calls this goes. */
export function softwareNow(): SoftwareNow {
  const campaigns = followed(() => CAMPAIGNS);
  let known = $state.raw<Software | null>(null);
  let problem = $state.raw<Problem | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isReading = false;
  let isAsked = false;
  let isHere = true;

  async function look() {
    clearTimeout(timer);
    isReading = true;
    isAsked = false;
    try {
      const found = await readAll();
      if (isHere) [known, problem] = [found, null];
    } catch (thrown) {
      problem = problemOf(thrown);
    }
    isReading = false;
    if (isHere) timer = setTimeout(look, isAsked ? READ_PAUSE_MS : LOOK_AGAIN_MS);
  }

  function readAgain() {
    if (isAsked) return;
    isAsked = true;
    if (isReading) return;
    clearTimeout(timer);
    timer = setTimeout(look, known === null ? 0 : READ_PAUSE_MS);
  }

  $effect(() => {
    // Every change of a campaign, and every new connection.
    if (campaigns.view.items !== null) untrack(readAgain);
  });

  $effect(() => () => {
    isHere = false;
    clearTimeout(timer);
  });

  return {
    campaigns,
    get known() {
      return known;
    },
    get problem() {
      return problem;
    },
    readAgain,
  };
}

async function readAll(): Promise<Software> {
  const [attention, releases, { cars, hasMore }] = await Promise.all([
    readSoftwareAttention(),
    readReleases(),
    readCars(),
  ]);
  return { attention, releases, cars, hasMore };
}

async function readCars(): Promise<{ cars: CarSoftware[]; hasMore: boolean }> {
  const cars: CarSoftware[] = [];
  let after = '';
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await readSoftware(after);
    cars.push(...answer.cars);
    if (answer.after === null) return { cars, hasMore: false };
    after = answer.after;
  }
  return { cars, hasMore: true };
}
