// What the phone's pages need of the cell and of this browser's keys, as one port: so that a page
// can be shown and tried without either.

import type { CarScenes, CarUpdate, Home, ReleaseInFull, Thought } from '../lib/api/client.ts';
import type { Source } from '../lib/live/browser.ts';
import type { HandOverLink, OwnCar, Wish } from '../lib/signing/index.ts';
import type { Asked } from './asked.ts';
import type { CarNow, CellCommand } from './view.ts';

/** Both logs of a car, as the cell brings them. */
export interface Logs {
  /** The car's receipts from its first line on, the very documents. */
  readonly receipts: readonly string[];
  /** The cell's own lines from the first on, each JSON that the next one names by its digest. */
  readonly lines: readonly string[];
  /** A line of the car that contradicts its log as the cell has it. */
  readonly other_receipt: string | null;
}

export interface Port {
  /** The names of one's own cars. */
  carIds(): Promise<string[]>;
  car(carId: string): Source<CarNow>;
  commands(carId: string): Source<CellCommand>;
  /** The cars that this browser has keys for. */
  held(): Promise<OwnCar[]>;
  /** Sign and hand in a command; what the cell answers to it is not believed. Throws a ProblemError or DocumentRefused. */
  ask(car: OwnCar, epoch: string, wish: Wish, replaces: string | null): Promise<Asked>;
  cancel(carId: string, commandId: string): Promise<void>;
  logs(carId: string): Promise<Logs>;
  update(carId: string): Source<CarUpdate>;
  release(number: number): Promise<ReleaseInFull>;
  think(number: number, text: string): Promise<Thought>;
  scenes(carId: string): Source<CarScenes>;
  homes(): Promise<Home[]>;
  takeHome(code: string, carId: string): Promise<Home>;
  tie(homeId: string, carId: string): Promise<void>;
  untie(homeId: string, carId: string): Promise<void>;
  /**
   * Ask the maker for the car of the link, and keep the grant; null while there is no answer.
   *
   * Throws a ProblemError when it is refused, DocumentRefused when the answer does not hold.
   */
  takeOver(link: HandOverLink): Promise<OwnCar | null>;
}
