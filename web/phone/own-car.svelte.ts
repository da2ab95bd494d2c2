// One of one's own cars, for as long as a page shows it: how it is, what was asked of it, and the way
// to ask for something more. The page of the car and that of the home stand on this.
//
// Rules: what the car signed is checked here, against what this browser asked; a failure on this side
// of the cell says that nothing was sent.

import { type Problem, problemOf } from '../lib/api/problem.ts';
import { type Followed, followed } from '../lib/live/followed.svelte.ts';
import { DocumentRefused, type OwnCar, type Wish } from '../lib/signing/index.ts';
import { here_ms } from '../lib/time/clock.svelte.ts';
import { type Asked, documentsOf, missingFrom, remember } from './asked.ts';
import type { Port } from './port.ts';
import { proofOf, type Signed } from './proof.ts';
import {
  type Body,
  type CarNow,
  type CellCommand,
  isPending,
  newestFirst,
  type Reach,
  type Shown,
} from './view.ts';

export interface OwnCarNow {
  readonly follows: readonly [Followed<CarNow>, Followed<CellCommand>];
  /** Null until the first answer has come. */
  readonly car: CarNow | null;
  readonly body: Body | null;
  readonly now_ms: number;
  readonly reach: Reach;
  readonly isSure: boolean;
  readonly mayAsk: boolean;
  /** What was asked of it, the newest first. */
  readonly commands: readonly Shown[];
  /** The scope of what is being signed and sent; null for nothing. */
  readonly sending: string | null;
  readonly problem: Problem | null;
  /** Ask for something in place of an older command, if that still waits; whether it was handed in. */
  ask(wish: Wish, before: Shown | null): Promise<boolean>;
  cancel(commandId: string): Promise<void>;
}

/** Follow a car until the component that calls this goes. */
export function ownCarNow(port: Port, carId: () => string, held: () => OwnCar | null): OwnCarNow {
  const cars = followed(() => port.car(carId()));
  const commands = followed(() => port.commands(carId()));
  let shown = $state.raw<readonly Shown[]>([]);
  let sending = $state<string | null>(null);
  let problem = $state<Problem | null>(null);
  let asked = $state.raw<readonly Asked[]>([]);
  const signed = $derived(documentsOf(asked));

  $effect(() => {
    let isNewest = true;
    const found = [...(commands.view.items?.values() ?? [])];
    void prove(found, held(), signed).then((next) => {
      if (isNewest) shown = next;
    });
    return () => {
      isNewest = false;
    };
  });

  const car = $derived(cars.view.items?.get(carId()) ?? null);
  const body = $derived(car?.body ?? null);
  const isLive = $derived(cars.isLive && commands.isLive);
  const reach = $derived<Reach>(!car?.online ? 'asleep' : isLive ? 'online' : 'unknown');
  const all = $derived(newestFirst([...shown, ...missingFrom(shown, asked, here_ms())]));

  async function ask(wish: Wish, before: Shown | null): Promise<boolean> {
    const key = held();
    if (key === null || body === null) return false;
    sending = wish.scope;
    problem = null;
    try {
      const replaces = before && isPending(before.state) ? before.command_id : null;
      asked = remember(asked, await port.ask(key, body.epoch, wish, replaces));
      return true;
    } catch (thrown) {
      problem = failureOf(thrown);
      return false;
    } finally {
      sending = null;
    }
  }

  async function cancel(commandId: string) {
    problem = null;
    try {
      await port.cancel(carId(), commandId);
    } catch (thrown) {
      problem = problemOf(thrown);
    }
  }

  return {
    follows: [cars, commands],
    get car() {
      return car;
    },
    get body() {
      return body;
    },
    get now_ms() {
      return cars.now_ms;
    },
    get reach() {
      return reach;
    },
    get isSure() {
      return reach === 'online';
    },
    get mayAsk() {
      return held() !== null && body !== null && sending === null;
    },
    get commands() {
      return all;
    },
    get sending() {
      return sending;
    },
    get problem() {
      return problem;
    },
    ask,
    cancel,
  };
}

function prove(
  found: readonly CellCommand[],
  car: OwnCar | null,
  documents: Signed,
): Promise<Shown[]> {
  const proven = found.map(async (command) => ({
    ...command,
    proof: await proofOf(command, car, documents),
  }));
  return Promise.all(proven);
}

function failureOf(thrown: unknown): Problem {
  const found = problemOf(thrown);
  if (!(thrown instanceof DocumentRefused)) return found;
  // Refused on this side of the cell: nothing was sent.
  return { ...found, code: thrown.code, hint: '', mayHaveHappened: false };
}
