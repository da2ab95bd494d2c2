// Receipts: what became of a command, signed by the car; together they are the car's log. The rules
// are those of monocoque.trust.receipts; both read tests/vectors/commands.json.
//
// Rules: the car's key comes out of the maker's grant that this browser keeps, never from whoever
// brought the receipt. A receipt is right whatever the time.

import { decodeBase64url } from './bytes.ts';
import { isIdentifier } from './identifiers.ts';
import { RECEIPT } from './types.ts';
import {
  authenticate,
  DocumentRefused,
  isText,
  type PublicKey,
  signingDigest,
  thumbprint,
} from './verify.ts';

export const OUTCOMES = ['done', 'refused', 'failed', 'expired', 'unknown'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** One line of a car's log, with a right signature. */
export interface Receipt {
  commandId: string;
  /** Whose command it was. */
  keyId: string;
  scope: string;
  commandSha256: string;
  outcome: Outcome;
  /** Why it was not done; null for done. A word that may be new to this page. */
  reason: string | null;
  sequence: number;
  previousSha256: string;
  /** When, in seconds since 1970 by the car's clock. */
  issuedS: number;
  /** The digest of this receipt, which the next line names. */
  sha256: string;
}

/** How far a log is known. */
export interface LogPlace {
  sequence: number;
  sha256: string;
}

/** Before the first line of any log. */
export const LOG_BEGIN: LogPlace = { sequence: 0, sha256: 'A'.repeat(43) };

const REASON_FORM = /^[a-z][a-z0-9_]{0,63}$/;
const DIGEST_BYTES = 32;

/** The receipt, when this car signed it; throws DocumentRefused. */
export async function verifyReceipt(
  document: string,
  carId: string,
  carKey: PublicKey,
): Promise<Receipt> {
  const carKeyId = await thumbprint(carKey);
  const findKey = (keyId: string) => (keyId === carKeyId ? carKey : undefined);
  const claims = await authenticate(RECEIPT, document, findKey);
  const { sub, key, scope, sequence } = claims;
  const outcome = OUTCOMES.find((name) => name === claims.outcome);
  const reason = claims.reason ?? null;
  const isRight =
    claims.iss === carId &&
    isIdentifier(sub, 'command') &&
    isText(key) &&
    isText(scope) &&
    outcome !== undefined &&
    (reason === null || (isText(reason) && REASON_FORM.test(reason))) &&
    (outcome === 'done') === (reason === null) &&
    Number.isInteger(sequence) &&
    Number(sequence) >= 1;
  if (!isRight) throw new DocumentRefused('document_malformed');
  return {
    commandId: sub,
    keyId: key,
    scope,
    commandSha256: digest(claims.command_sha256),
    outcome,
    reason,
    sequence: Number(sequence),
    previousSha256: digest(claims.previous_sha256),
    issuedS: Number(claims.iat),
    sha256: await signingDigest(document),
  };
}

/** The lines, when this car signed each and none is missing, added or swapped; DocumentRefused. */
export async function verifyLog(
  documents: readonly string[],
  carId: string,
  carKey: PublicKey,
  after: LogPlace = LOG_BEGIN,
): Promise<Receipt[]> {
  const lines: Receipt[] = [];
  const done = new Set<string>();
  let place = after;
  for (const document of documents) {
    const line = await verifyReceipt(document, carId, carKey);
    const follows = line.sequence === place.sequence + 1 && line.previousSha256 === place.sha256;
    const isDoneAgain = line.outcome === 'done' && done.has(line.commandSha256);
    if (!follows || isDoneAgain) throw new DocumentRefused('log_broken');
    if (line.outcome === 'done') done.add(line.commandSha256);
    place = { sequence: line.sequence, sha256: line.sha256 };
    lines.push(line);
  }
  return lines;
}

/** Whether the receipt speaks of this very command of this key, and of no other. */
export async function answers(
  receipt: Receipt,
  command: { commandId: string; keyId: string; document: string },
): Promise<boolean> {
  return (
    receipt.commandId === command.commandId &&
    receipt.keyId === command.keyId &&
    receipt.commandSha256 === (await signingDigest(command.document))
  );
}

function digest(value: unknown): string {
  try {
    if (typeof value === 'string' && decodeBase64url(value).length === DIGEST_BYTES) return value;
  } catch {
    // Not base64url: refused like any other wrong digest.
  }
  throw new DocumentRefused('document_malformed');
}
