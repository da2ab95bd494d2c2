// What the pages of the phone know of a car and of a command, as they show it.
//
// Rules: what the cell says and what the car signed stand side by side and are never mixed up: the
// state comes from the cell, the proof from a receipt that this browser verified by itself.

/** The body of a car as the car last told it. */
export interface Body {
  /** Which commands are fresh: a command names the epoch that it was made for. */
  readonly epoch: string;
  readonly locked: boolean;
  readonly doors_open: readonly string[];
  readonly climate_on: boolean;
  readonly climate_target_celsius: number;
  readonly cabin_celsius: number;
  readonly charge_percent: number;
  readonly charge_limit_percent: number;
  readonly range_km: number;
  readonly plugged: boolean;
  readonly charging: boolean;
  readonly gear: string;
  readonly speed_kmh: number;
  readonly latitude_degrees: number;
  readonly longitude_degrees: number;
  /** When the place was measured, by the car's clock. */
  readonly place_measured_at: string;
  /** When all else was so, by the car's clock. */
  readonly occurred_at: string;
}

/** One of one's own cars, as the cell knows it. */
export interface CarNow {
  readonly car_id: string;
  readonly online: boolean;
  /** Null before the car has told anything about itself. */
  readonly body: Body | null;
}

/** Whether the car can be reached; unknown while we do not hear the cell. */
export type Reach = 'online' | 'asleep' | 'unknown';

export const STATES = [
  'waiting',
  'sent',
  'done',
  'refused',
  'failed',
  'expired',
  'unknown',
  'cancelled',
] as const;

/** What the cell says of a command. */
export type State = (typeof STATES)[number];

/** What the receipt of a command is worth, as this browser found. */
export type Proof = 'verified' | 'false' | 'missing' | 'unchecked';

/** What can be asked of a car. */
export const SCOPES = [
  'lock',
  'unlock',
  'climate',
  'charge_limit',
  'update',
  'scene_put',
  'scene_remove',
] as const;

/** What can become of it. */
export const OUTCOMES = ['done', 'refused', 'failed', 'expired', 'unknown', 'cancelled'] as const;

/** One command, as the cell tells it. */
export interface CellCommand {
  readonly command_id: string;
  readonly scope: string;
  readonly state: State;
  readonly reason: string | null;
  readonly key_id: string;
  readonly accepted_at: string;
  readonly deadline_at: string;
  /** The very document that was handed in. */
  readonly command: string;
  /** The car's receipt, the very document; null while there is none. */
  readonly receipt: string | null;
}

/** One command, with what this browser found out about its receipt. */
export interface Shown extends CellCommand {
  readonly proof: Proof;
}

/** Whether something may still become of it. */
export function isPending(state: State): boolean {
  return state === 'waiting' || state === 'sent';
}

/** Whether only the car can say this, with its signature. */
export function needsProof(state: State): boolean {
  return state === 'done' || state === 'refused' || state === 'failed';
}

/** Whether the cell alone says that it will not happen; the car, had it done it, would say so. */
export function isCellsWord({ state, receipt }: CellCommand): boolean {
  return receipt === null && (state === 'expired' || state === 'cancelled');
}

/** The newest command of each kind of wish; lock and unlock are one kind. */
export function newestOf(commands: readonly Shown[], scopes: readonly string[]): Shown | null {
  let newest: Shown | null = null;
  for (const command of commands) {
    if (!scopes.includes(command.scope)) continue;
    if (newest === null || isNewer(command, newest)) newest = command;
  }
  return newest;
}

/** The newest first. */
export function newestFirst(commands: Iterable<Shown>): Shown[] {
  return [...commands].sort((a, b) => (isNewer(a, b) ? -1 : 1));
}

function isNewer(a: Shown, b: Shown): boolean {
  if (a.accepted_at !== b.accepted_at) return a.accepted_at > b.accepted_at;
  return a.command_id > b.command_id;
}
