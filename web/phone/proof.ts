// What a receipt is worth, and whether the two logs of a car say the same. This browser finds out
// by itself, with the car's key out of the grant that it keeps.

import {
  answers,
  DocumentRefused,
  type OwnCar,
  type Receipt,
  verifyLog,
  verifyReceipt,
} from '../lib/signing/index.ts';
import type { CellLine, Logs } from './port.ts';
import { type CellCommand, needsProof, type Proof } from './view.ts';

/** Documents of commands that this page signed, by their ids: a receipt must speak of these. */
export type Signed = ReadonlyMap<string, string>;

/** What the receipt of a command is worth; car is null when this browser has no key for it. */
export async function proofOf(
  command: CellCommand,
  car: OwnCar | null,
  signed: Signed,
): Promise<Proof> {
  if (command.receipt === null) return needsProof(command.state) ? 'missing' : 'unchecked';
  if (car === null) return 'unchecked';
  let receipt: Receipt;
  try {
    receipt = await verifyReceipt(command.receipt, car.carId, car.keys.sign);
  } catch (thrown) {
    if (thrown instanceof DocumentRefused) return 'false';
    throw thrown;
  }
  const { command_id: commandId, key_id: keyId } = command;
  const document = signed.get(commandId);
  const speaksOfIt =
    document === undefined
      ? receipt.commandId === commandId && receipt.keyId === keyId
      : await answers(receipt, { commandId, keyId, document });
  const saysSo = receipt.outcome === command.state && receipt.reason === command.reason;
  return speaksOfIt && saysSo ? 'verified' : 'false';
}

export type Verdict = 'same' | 'behind' | 'differ' | 'broken' | 'unchecked';

export interface Compared {
  readonly verdict: Verdict;
  /** The car's lines, the oldest first; empty when they do not hold. */
  readonly receipts: readonly Receipt[];
}

/** Whether the car's log holds, and the cell's says the same. */
export async function compare(logs: Logs, car: OwnCar | null): Promise<Compared> {
  if (car === null) return { verdict: 'unchecked', receipts: [] };
  let receipts: Receipt[];
  try {
    receipts = await verifyLog(logs.receipts, car.carId, car.keys.sign);
  } catch (thrown) {
    if (thrown instanceof DocumentRefused) return { verdict: 'broken', receipts: [] };
    throw thrown;
  }
  return { verdict: judgeLines(receipts, logs.lines), receipts };
}

/**
 * Compare line by line: every answer that the cell noted has the car's receipt with that outcome,
 * and every receipt was noted. A command that was sent and has no receipt yet is only behind.
 */
export function judgeLines(
  receipts: readonly Pick<Receipt, 'commandId' | 'outcome'>[],
  lines: readonly CellLine[],
): Verdict {
  const signed = new Map(receipts.map(({ commandId, outcome }) => [commandId, outcome as string]));
  const answered = lines.filter(({ what }) => what === 'answered');
  const noted = new Set(answered.map(({ command_id }) => command_id));
  const areTrue = answered.every(({ command_id, outcome }) => signed.get(command_id) === outcome);
  const areNoted = receipts.every(({ commandId }) => noted.has(commandId));
  if (!areTrue || !areNoted) return 'differ';
  const isBehind = lines.some(({ what, command_id }) => what === 'sent' && !noted.has(command_id));
  return isBehind ? 'behind' : 'same';
}
