import { beforeAll, describe, expect, it } from 'vitest';
import { LOG_BEGIN, type OwnCar } from '../lib/signing/index.ts';
import { type Signer, signDocument } from '../lib/signing/sign.ts';
import { RECEIPT } from '../lib/signing/types.ts';
import { type PublicKey, publicKey, signingDigest, thumbprint } from '../lib/signing/verify.ts';
import { type CellLine, compare, judgeLines, proofOf } from './proof.ts';
import { type CellCommand, newestFirst, newestOf, type Shown } from './view.ts';

const CAR = 'car_0123456789abcdefghjkmnpqrs';
const COMMAND = 'command_0123456789abcdefghjkmnpqrs';
const OWN = 'the.command';
const NOTHING_SIGNED = new Map<string, string>();

async function makeKey(): Promise<Signer & { jwk: PublicKey }> {
  const how = { name: 'ECDSA', namedCurve: 'P-256' };
  const pair = await crypto.subtle.generateKey(how, true, ['sign', 'verify']);
  const jwk = await publicKey(await crypto.subtle.exportKey('jwk', pair.publicKey));
  return { keyId: await thumbprint(jwk), jwk, privateKey: pair.privateKey };
}

async function receiptBy(signer: Signer, changed: Record<string, unknown> = {}): Promise<string> {
  const claims = {
    iss: CAR,
    sub: COMMAND,
    iat: 1_800_000_000,
    key: 'owner',
    scope: 'lock',
    command_sha256: await signingDigest(OWN),
    outcome: 'done',
    sequence: 1,
    previous_sha256: LOG_BEGIN.sha256,
    ...changed,
  };
  return await signDocument(RECEIPT, claims, signer);
}

function command(changed: Partial<CellCommand>): CellCommand {
  return {
    command_id: COMMAND,
    scope: 'lock',
    state: 'done',
    reason: null,
    key_id: 'owner',
    command: OWN,
    accepted_at: '2026-11-24T10:00:00Z',
    deadline_at: '2026-11-24T11:00:00Z',
    receipt: null,
    ...changed,
  };
}

let carKey: Signer & { jwk: PublicKey };
let stranger: Signer & { jwk: PublicKey };
let car: OwnCar;

beforeAll(async () => {
  [carKey, stranger] = await Promise.all([makeKey(), makeKey()]);
  car = {
    carId: CAR,
    keyId: 'owner',
    root: carKey.jwk,
    keys: { sign: carKey.jwk, seal: carKey.jwk },
    grants: [],
    rights: new Set(['lock']),
  };
});

describe('the proof of a command', () => {
  it('is verified when this car signed that very end', async () => {
    const receipt = await receiptBy(carKey);
    expect(await proofOf(command({ receipt }), car, NOTHING_SIGNED)).toBe('verified');
  });

  it('is missing when the cell alone says that the car acted', async () => {
    for (const state of ['done', 'refused', 'failed'] as const) {
      expect(await proofOf(command({ state }), car, NOTHING_SIGNED)).toBe('missing');
    }
    expect(await proofOf(command({ state: 'waiting' }), car, NOTHING_SIGNED)).toBe('unchecked');
  });

  it.each([
    ['another command', { sub: 'command_1123456789abcdefghjkmnpqrs' }],
    ['another key', { key: 'somebody' }],
    ['another car', { iss: 'car_1123456789abcdefghjkmnpqrs' }],
    ['another end', { outcome: 'failed', reason: 'jammed' }],
  ])('is false when the receipt speaks of %s', async (_what, changed) => {
    const receipt = await receiptBy(carKey, changed);
    expect(await proofOf(command({ receipt }), car, NOTHING_SIGNED)).toBe('false');
  });

  it('is false when another key signed, and when it speaks of another document', async () => {
    const forged = await receiptBy(stranger);
    expect(await proofOf(command({ receipt: forged }), car, NOTHING_SIGNED)).toBe('false');
    const receipt = await receiptBy(carKey);
    const signed = new Map([[COMMAND, 'another.command']]);
    expect(await proofOf(command({ receipt }), car, signed)).toBe('false');
  });

  it('is unchecked without a key of this car', async () => {
    const receipt = await receiptBy(carKey);
    expect(await proofOf(command({ receipt }), null, NOTHING_SIGNED)).toBe('unchecked');
  });
});

describe('two logs', () => {
  const line = (what: string, outcome: string | null = null): CellLine => ({
    at_ms: 0,
    what,
    command_id: COMMAND,
    scope: 'lock',
    outcome,
    key_id: null,
  });
  const receipt = { commandId: COMMAND, outcome: 'done' as const };

  it.each([
    ['agree when empty', [], [], 'same'],
    ['agree line by line', [receipt], [line('handed_in'), line('answered', 'done')], 'same'],
    ['wait for what was sent', [], [line('sent')], 'behind'],
    ['differ in an end', [receipt], [line('answered', 'refused')], 'differ'],
    ['differ when the cell has an answer of its own', [], [line('answered', 'done')], 'differ'],
    ['differ when the cell hides an answer', [receipt], [line('handed_in')], 'differ'],
    ['agree about what came to the car another way', [receipt], [], 'same'],
  ] as const)('%s', (_what, receipts, lines, verdict) => {
    expect(judgeLines(receipts, lines)).toBe(verdict);
  });

  it('show a line of the cell that does not name the one before', async () => {
    const cellLines = ['{"kind":"sent","number":1,"previous_sha256":"B","time_us":1}'];
    const logs = { receipts: [], lines: cellLines, other_receipt: null };
    expect((await compare(logs, car)).verdict).toBe('cell_broken');
  });

  it('cannot be compared when the chain of the car is broken or no key is here', async () => {
    const receipts = [await receiptBy(carKey, { sequence: 2 })];
    expect((await compare({ receipts, lines: [], other_receipt: null }, car)).verdict).toBe(
      'broken',
    );
    expect((await compare({ receipts, lines: [], other_receipt: null }, null)).verdict).toBe(
      'unchecked',
    );
  });
});

describe('commands', () => {
  it('come newest first, and the newest of a kind is found', () => {
    const shown = (id: string, scope: string, accepted_at: string): Shown => ({
      ...command({ command_id: id, scope, accepted_at }),
      proof: 'unchecked',
    });
    const all = [
      shown('command_a', 'lock', '2026-11-24T10:00:00Z'),
      shown('command_b', 'unlock', '2026-11-24T10:00:01Z'),
      shown('command_c', 'climate', '2026-11-24T10:00:02Z'),
    ];
    expect(newestFirst(all).map((one) => one.command_id)).toEqual([
      'command_c',
      'command_b',
      'command_a',
    ]);
    expect(newestOf(all, ['lock', 'unlock'])?.command_id).toBe('command_b');
    expect(newestOf(all, ['charge_limit'])).toBeNull();
  });
});
