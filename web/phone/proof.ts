// What a receipt is worth, and whether the two logs of a car say the same. This browser finds out
// by itself, with the car's key out of the grant that it keeps.

import { encodeBase64url } from '../lib/signing/bytes.ts';
import {
  answers,
  DocumentRefused,
  LOG_BEGIN,
  type OwnCar,
  type Receipt,
  verifyLog,
  verifyReceipt,
} from '../lib/signing/index.ts';
import { isObject } from '../lib/signing/verify.ts';
import type { Logs } from './port.ts';
import { type CellCommand, needsProof, type Proof } from './view.ts';

/** Documents that this page signed, by their commands: they go before what the cell shows. */
export type Signed = ReadonlyMap<string, string>;

/** What the receipt of a command is worth; car is null when this browser has no key for it. */
export async function proofOf(
  command: CellCommand,
  car: OwnCar | null,
  signed: Signed,
): Promise<Proof> {
  if (command.receipt === null) return needsProof(command.state) ? 'missing' : 'unchecked';
  if (car === null) return 'unchecked';
  if (typeof command.receipt !== 'string') return 'false';
  let receipt: Receipt;
  try {
    receipt = await verifyReceipt(command.receipt, car.carId, car.keys.sign);
  } catch (thrown) {
    if (thrown instanceof DocumentRefused) return 'false';
    throw thrown;
  }
  const { command_id: commandId, key_id: keyId } = command;
  const document = signed.get(commandId) ?? String(command.command);
  // The scope is the car's word: a cell could call an unlock a lock.
  const speaksOfIt =
    receipt.scope === command.scope && (await answers(receipt, { commandId, keyId, document }));
  const saysSo = receipt.outcome === command.state && receipt.reason === command.reason;
  return speaksOfIt && saysSo ? 'verified' : 'false';
}

export type Verdict = 'same' | 'behind' | 'differ' | 'broken' | 'cell_broken' | 'unchecked';

export interface Compared {
  readonly verdict: Verdict;
  /** The car's lines, the oldest first; empty when they do not hold. */
  readonly receipts: readonly Receipt[];
  /** The cell's lines, the oldest first. */
  readonly lines: readonly CellLine[];
}

/** A line of the cell's own log. */
export interface CellLine {
  readonly at_ms: number;
  readonly what: string;
  readonly command_id: string;
  readonly scope: string;
  /** Of an answer: what the cell says it was. */
  readonly outcome: string | null;
}

/** Whether the car's log holds, and the cell's says the same. */
export async function compare(logs: Logs, car: OwnCar | null): Promise<Compared> {
  const { lines, holds } = await readEntries(logs.lines);
  if (car === null) return { verdict: 'unchecked', receipts: [], lines };
  let receipts: Receipt[];
  try {
    receipts = await verifyLog(logs.receipts, car.carId, car.keys.sign);
  } catch (thrown) {
    if (thrown instanceof DocumentRefused) {
      return { verdict: 'broken', receipts: [], lines };
    }
    throw thrown;
  }
  if (!holds) return { verdict: 'cell_broken', receipts, lines };
  const verdict = logs.other_receipt === null ? judgeLines(receipts, lines) : 'differ';
  return { verdict, receipts, lines };
}

/**
 * Compare line by line: every answer that the cell noted has the car's receipt with that outcome,
 * and every receipt of what was handed in here was noted. A command that was sent and has no receipt yet is only behind.
 */
export function judgeLines(
  receipts: readonly Pick<Receipt, 'commandId' | 'outcome'>[],
  lines: readonly CellLine[],
): Verdict {
  const signed = new Map(receipts.map(({ commandId, outcome }) => [commandId, outcome as string]));
  const answered = lines.filter(({ what }) => what === 'answered');
  const noted = new Set(answered.map(({ command_id }) => command_id));
  const areTrue = answered.every(({ command_id, outcome }) => signed.get(command_id) === outcome);
  const handedIn = lines.filter(({ what }) => what === 'handed_in');
  const isHere = new Set(handedIn.map(({ command_id }) => command_id));
  const areNoted = receipts.every(
    ({ commandId }) => noted.has(commandId) || !isHere.has(commandId),
  );
  if (!areTrue || !areNoted) return 'differ';
  const isBehind = lines.some(({ what, command_id }) => what === 'sent' && !noted.has(command_id));
  return isBehind ? 'behind' : 'same';
}

/** The cell's lines, and whether each names the one before. */
async function readEntries(
  entries: readonly string[],
): Promise<{ lines: CellLine[]; holds: boolean }> {
  const lines: CellLine[] = [];
  const scopes = new Map<string, string>();
  let before = LOG_BEGIN.sha256;
  let holds = true;
  for (const [place, entry] of entries.entries()) {
    const { number, previous_sha256, time_us, kind, command_id, scope, outcome } = members(entry);
    holds &&= number === place + 1 && previous_sha256 === before;
    before = await sha256(entry);
    const commandId = String(command_id ?? '');
    if (typeof scope === 'string') scopes.set(commandId, scope);
    lines.push({
      at_ms: Number(time_us) / 1_000,
      what: String(kind),
      command_id: commandId,
      scope: scopes.get(commandId) ?? '',
      outcome: typeof outcome === 'string' ? outcome : null,
    });
  }
  return { lines, holds };
}

/** The members of a line; none when it is no JSON object, so that its chain does not hold. */
function members(entry: string): Readonly<Record<string, unknown>> {
  try {
    const found: unknown = JSON.parse(entry);
    return isObject(found) ? found : {};
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return {};
    throw thrown;
  }
}

async function sha256(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  return encodeBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}
