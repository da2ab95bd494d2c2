import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeBase64url } from './bytes.ts';
import {
  argumentsPurpose,
  checkArguments,
  judge,
  openEnvelope,
  SCOPES,
  signCommand,
  type Wish,
} from './commands.ts';
import { carKeys, readChain } from './grants.ts';
import { handOverProof } from './hand-over.ts';
import { parseStrictly } from './json.ts';
import { type LogPlace, verifyLog, verifyReceipt } from './receipts.ts';
import { openSealed, type ReaderKey } from './sealed.ts';
import { COMMAND, HAND_OVER, KEY_GRANT, RECEIPT } from './types.ts';
import { DocumentRefused, isObject, type PublicKey, thumbprint, verify } from './verify.ts';

interface Envelope {
  name: string;
  command: string;
  times?: number;
  grants: string[];
  code: string | null;
  reason: string | null;
  /** What they are, or why they cannot be read. */
  arguments?: unknown;
}
interface Vectors {
  now_s: number;
  car_id: string;
  root: PublicKey;
  car: { sign: PublicKey; seal: PublicKey };
  seal_key: JsonWebKey;
  owner_key: PublicKey & { d: string };
  hand_over_code: string;
  envelopes: Envelope[];
  receipts: { name: string; document: string; code: string | null }[];
  logs: { name: string; documents: string[]; after: LogPlace | null; code: string | null }[];
  hand_overs: { name: string; document: string; code: string | null }[];
}

const FOLDER = join(import.meta.dirname, '../../../tests/vectors');
const vectors: Vectors = JSON.parse(readFileSync(join(FOLDER, 'commands.json'), 'utf8'));
const P256 = { name: 'ECDH', namedCurve: 'P-256' };
const right = found('right');

function found(name: string): Envelope {
  const row = vectors.envelopes.find((candidate) => candidate.name === name);
  if (row === undefined) throw new Error(`The vectors have no ${name}.`);
  return row;
}

/** The code of the refusal; any other error is a mistake. */
function code(error: unknown): string {
  if (error instanceof DocumentRefused) return error.code;
  throw error;
}

function opened(row: Envelope) {
  const command = row.command.repeat(row.times ?? 1);
  return openEnvelope(command, row.grants, vectors.root, vectors.car_id);
}

async function sealKey(): Promise<ReaderKey> {
  const { d: _, ...publicMembers } = vectors.seal_key;
  return {
    privateKey: await crypto.subtle.importKey('jwk', vectors.seal_key, P256, false, ['deriveBits']),
    publicKey: await crypto.subtle.importKey('jwk', publicMembers, P256, true, []),
  };
}

describe('an envelope', () => {
  it.each(vectors.envelopes)('is judged as the car judges it: $name', async (row) => {
    const command = await opened(row).catch(code);
    if (typeof command === 'string') expect(command).toBe(row.code);
    else expect([null, judge(command, vectors.now_s)]).toEqual([row.code, row.reason]);
  });

  it.each(vectors.envelopes.filter((row) => Object.hasOwn(row, 'arguments')))(
    'has arguments as the car reads them: $name',
    async (row) => {
      const { sealed, commandId, scope } = await opened(row);
      const bytes = await openSealed(await sealKey(), sealed, argumentsPurpose(commandId)).catch(
        code,
      );
      if (typeof bytes === 'string') {
        expect(bytes).toBe(row.arguments);
      } else if (row.name !== 'arguments too long') {
        expect(read(scope, bytes)).toEqual(row.arguments);
      }
    },
  );
});

/** What a car reads of opened bytes; their length is for the car alone. */
function read(scope: string, bytes: Uint8Array): unknown {
  let given: unknown;
  try {
    given = parseStrictly(new TextDecoder().decode(bytes));
  } catch {
    return 'arguments_wrong';
  }
  if (!isObject(given)) return 'arguments_wrong';
  try {
    checkArguments(scope, given);
  } catch (error) {
    return code(error);
  }
  return given;
}

describe('what a page seals', () => {
  const commandId = 'command_00000000000000000000000009';
  const ids = { commandId, carId: vectors.car_id, epoch: 'e', counter: 1 };
  const times = { issuedS: vectors.now_s, deadlineS: vectors.now_s + 600 };

  async function sealedBytes(wish: Wish): Promise<Uint8Array> {
    const how = { name: 'ECDSA', namedCurve: 'P-256' };
    const { privateKey } = await crypto.subtle.generateKey(how, false, ['sign']);
    const signer = { keyId: 'k', privateKey };
    const text = await signCommand({ ...ids, ...times, wish }, vectors.car.seal, signer);
    const claims = JSON.parse(new TextDecoder().decode(decodeBase64url(text.split('.')[1] ?? '')));
    const purpose = argumentsPurpose(commandId);
    return await openSealed(await sealKey(), decodeBase64url(claims.sealed), purpose);
  }

  it.each<[Wish, number]>([
    [{ scope: 'lock', arguments: {} }, 256],
    [{ scope: 'scene_put', arguments: { scene: '{}' } }, 1_024],
    [{ scope: 'scene_put', arguments: { scene: 'ä'.repeat(500) } }, 1_024],
  ])('has a length that the scope alone decides', async (wish, bytes) => {
    const opened = await sealedBytes(wish);
    expect(opened).toHaveLength(bytes);
    expect(read(wish.scope, opened)).toEqual(wish.arguments);
  });

  it('is refused when no car would open it', async () => {
    const wish: Wish = { scope: 'scene_put', arguments: { scene: '字'.repeat(400) } };
    expect(await sealedBytes(wish).catch(code)).toBe('arguments_wrong');
  });
});

describe('a receipt', () => {
  it.each(vectors.receipts)('is read as the cell reads it: $name', async (row) => {
    const said = await verifyReceipt(row.document, vectors.car_id, vectors.car.sign).catch(code);
    expect(typeof said === 'string' ? said : null).toBe(row.code);
  });
});

describe('a log', () => {
  it.each(vectors.logs)('is read as the cell reads it: $name', async (row) => {
    const after = row.after ?? undefined;
    const log = verifyLog(row.documents, vectors.car_id, vectors.car.sign, after);
    const said = await log.catch(code);
    expect(typeof said === 'string' ? said : null).toBe(row.code);
    if (typeof said !== 'string') expect(said).toHaveLength(row.documents.length);
  });
});

describe('what both sides know', () => {
  it('is the keys of the car in the maker’s grant', async () => {
    const [first] = await readChain(right.grants, vectors.root, vectors.car_id);
    expect(await carKeys(first)).toEqual(vectors.car);
  });

  it('is the proof of a hand-over', async () => {
    const document = vectors.hand_overs.find((row) => row.name === 'right')?.document ?? '';
    const { d: _, ...owner } = vectors.owner_key;
    const ownerId = await thumbprint(owner);
    const claims = await verify(HAND_OVER, document, () => owner, vectors.now_s, 'factory');
    expect(await handOverProof(vectors.hand_over_code, vectors.car_id, ownerId)).toBe(claims.proof);
  });

  it('is the rows of documents', () => {
    const { types } = JSON.parse(readFileSync(join(FOLDER, 'documents.json'), 'utf8'));
    expect(types).toEqual(
      expect.arrayContaining([HAND_OVER, KEY_GRANT, COMMAND, RECEIPT].map((row) => ({ ...row }))),
    );
  });

  it('is the table of scopes', () => {
    expect(JSON.parse(readFileSync(join(FOLDER, 'commands.json'), 'utf8')).scopes).toEqual(SCOPES);
  });
});
