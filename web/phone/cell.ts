// The port of the phone's pages on the real cell and the keys of this browser.

import {
  askForCar,
  handInCommand,
  readCarLogs,
  readCommands,
  readHomes,
  readOwnCars,
  readRelease,
  readScenes,
  readUpdate,
  takeCommandBack,
  takeHome,
  tieCar,
  untieCar,
  writeThought,
} from '../lib/api/client.ts';
import { ProblemError } from '../lib/api/problem.ts';
import {
  type HandOverLink,
  keepCar,
  type OwnCar,
  ownCars,
  requestCar,
  signWish,
  type Wish,
} from '../lib/signing/index.ts';
import type { Asked } from './asked.ts';
import type { Logs, Port } from './port.ts';
import { refusal } from './refusal.ts';

/** An unlock that comes late would open a car that nobody stands at. */
const UNLOCK_LIFETIME_S = 120;
const LIFETIME_S = 3_600;
/** What is kept in the car, and does nothing by itself when it comes late. */
const KEPT_LIFETIME_S = 86_400;
const LIFETIMES_S: Partial<Record<Wish['scope'], number>> = {
  unlock: UNLOCK_LIFETIME_S,
  update: KEPT_LIFETIME_S,
  scene_put: KEPT_LIFETIME_S,
  scene_remove: KEPT_LIFETIME_S,
};

/** A browser has six connections for one site, and an open car takes two for what moves at once; what
    moves slowly is read again, so that a second tab can still send a command. */
const READ_EVERY_S = 3;

/** More lines than a car keeps. */
const LOG_PIECES_MAX = 100;

const now_s = () => Math.floor(Date.now() / 1_000);
/** The request of each car that this page asked for; the same one is sent until it is answered. */
const requests = new Map<string, string>();

async function ask(
  car: OwnCar,
  epoch: string,
  wish: Wish,
  replaces: string | null,
): Promise<Asked> {
  const lifetimeS = LIFETIMES_S[wish.scope] ?? LIFETIME_S;
  const how = { epoch, lifetimeS, ...(replaces === null ? {} : { replaces }) };
  const askedS = now_s();
  const { commandId, keyId, document, grants, deadlineS } = await signWish(car, wish, how, askedS);
  await handInCommand(car.carId, { command: document, grants });
  return { commandId, keyId, scope: wish.scope, document, askedS, deadlineS };
}

async function takeOver(link: HandOverLink): Promise<OwnCar | null> {
  const request = requests.get(link.carId) ?? (await requestCar(link, now_s()));
  requests.set(link.carId, request);
  const answer = await askForCar(link.carId, request);
  if (answer.state === 'waiting') return null;
  requests.delete(link.carId);
  if (answer.grant === null) {
    throw new ProblemError(refusal(answer.refusal_code));
  }
  return await keepCar(link, answer.grant, answer.maker_root, now_s());
}

/** Both logs whole; the cell gives a bounded piece at a time. */
async function readLogs(carId: string): Promise<Logs> {
  const receipts: string[] = [];
  const lines: string[] = [];
  for (let piece = 0; piece < LOG_PIECES_MAX; piece += 1) {
    const answer = await readCarLogs(carId, receipts.length, lines.length);
    receipts.push(...answer.receipts);
    lines.push(...answer.lines);
    const isWhole = receipts.length >= answer.receipts_count && lines.length >= answer.lines_count;
    const isStuck = answer.receipts.length + answer.lines.length === 0;
    if (isWhole || isStuck) return { receipts, lines, other_receipt: answer.other_receipt };
  }
  return { receipts, lines, other_receipt: null };
}

export const cell: Port = {
  carIds: async () => {
    const { cars } = await readOwnCars();
    return cars.map(({ car_id }) => car_id);
  },
  car: (carId) => ({
    from: { path: `/api/own-cars/${carId}/live`, event: 'car' },
    load: async () => {
      const { cars, now } = await readOwnCars();
      return { items: cars, now };
    },
    keyOf: ({ car_id }) => car_id,
  }),
  commands: (carId) => ({
    from: { path: `/api/cars/${carId}/commands/live`, event: 'command' },
    load: async () => {
      const { commands, now } = await readCommands(carId);
      return { items: commands, now };
    },
    keyOf: ({ command_id }) => command_id,
  }),
  held: ownCars,
  ask,
  cancel: takeCommandBack,
  logs: readLogs,
  update: (carId) => ({
    from: { every_s: READ_EVERY_S },
    load: async () => ({ items: [await readUpdate(carId)] }),
    keyOf: ({ car_id }) => car_id,
  }),
  release: readRelease,
  think: writeThought,
  scenes: (carId) => ({
    from: { every_s: READ_EVERY_S },
    load: async () => ({ items: [await readScenes(carId)] }),
    keyOf: ({ car_id }) => car_id,
  }),
  homes: readHomes,
  takeHome,
  tie: tieCar,
  untie: untieCar,
  takeOver,
};
