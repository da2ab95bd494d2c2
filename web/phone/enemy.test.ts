// The cell as an enemy, as the page meets it: whatever the API answers, the page calls nothing done
// that the car did not sign (docs/protocol/threats.md).

import { beforeAll, describe, expect, it } from 'vitest';
import { signCommand, type Wish } from '../lib/signing/commands.ts';
import { carKeys, readChain } from '../lib/signing/grants.ts';
import { keepCar, LOG_BEGIN, type OwnCar } from '../lib/signing/index.ts';
import { type Signer, signDocument } from '../lib/signing/sign.ts';
import { KEY_GRANT, RECEIPT } from '../lib/signing/types.ts';
import { type PublicKey, publicKey, signingDigest, thumbprint } from '../lib/signing/verify.ts';
import { ASKED_MAX, type Asked, documentsOf, missingFrom, remember } from './asked.ts';
import { compare, proofOf } from './proof.ts';
import { type CellCommand, isCellsWord, isPending, newestOf, type State } from './view.ts';

type Key = Signer & { jwk: PublicKey };

const CAR = 'car_0123456789abcdefghjkmnpqrs';
const OTHER_CAR = 'car_1123456789abcdefghjkmnpqrs';
const NOW_S = 1_800_000_000;
const LOCK: Wish = { scope: 'lock', arguments: {} };
const UNLOCK: Wish = { scope: 'unlock', arguments: {} };

let root: Key;
let carKey: Key;
let owner: Key;
let stranger: Key;
let car: OwnCar;
let counter = 0;

async function makeKey(): Promise<Key> {
  const how = { name: 'ECDSA', namedCurve: 'P-256' };
  const pair = await crypto.subtle.generateKey(how, true, ['sign', 'verify']);
  const jwk = await publicKey(await crypto.subtle.exportKey('jwk', pair.publicKey));
  return { keyId: await thumbprint(jwk), jwk, privateKey: pair.privateKey };
}

async function grantBy(signer: Signer, to: Key, keys: Key, carId = CAR): Promise<string> {
  const claims = {
    iss: 'maker',
    aud: carId,
    jti: 'grant_0123456789abcdefghjkmnpqrs',
    iat: NOW_S,
    cnf: { jwk: to.jwk },
    rights: ['lock', 'unlock'],
    depth: 3,
    car: { sign: keys.jwk, seal: keys.jwk },
  };
  return await signDocument(KEY_GRANT, claims, signer);
}

/** What the page asked for, signed by the owner's key. */
async function ask(wish: Wish): Promise<Asked> {
  counter += 1;
  const commandId = `command_${String(counter).padStart(26, '0')}`;
  const deadlineS = NOW_S + 600;
  const request = { commandId, carId: CAR, epoch: 'e', counter, wish, issuedS: NOW_S, deadlineS };
  const document = await signCommand(request, car.keys.seal, owner);
  return { commandId, keyId: owner.keyId, scope: wish.scope, document, askedS: NOW_S, deadlineS };
}

/** What a car signs about it. */
async function receiptOf(
  asked: Asked,
  { by = carKey, ...changed }: { by?: Signer } & Record<string, unknown> = {},
): Promise<string> {
  const claims = {
    iss: CAR,
    sub: asked.commandId,
    iat: NOW_S,
    key: asked.keyId,
    scope: asked.scope,
    command_sha256: await signingDigest(asked.document),
    outcome: 'done',
    sequence: 1,
    previous_sha256: LOG_BEGIN.sha256,
    ...changed,
  };
  return await signDocument(RECEIPT, claims, by);
}

/** What the cell's API says of it. */
function told(asked: Asked, changed: Partial<CellCommand> = {}): CellCommand {
  return {
    command_id: asked.commandId,
    scope: asked.scope,
    state: 'done',
    reason: null,
    key_id: asked.keyId,
    command: asked.document,
    accepted_at: new Date(NOW_S * 1_000).toISOString(),
    deadline_at: new Date((NOW_S + 600) * 1_000).toISOString(),
    receipt: null,
    ...changed,
  };
}

async function proof(command: CellCommand, asked: readonly Asked[]) {
  return await proofOf(command, car, documentsOf(asked));
}

beforeAll(async () => {
  [root, carKey, owner, stranger] = await Promise.all([makeKey(), makeKey(), makeKey(), makeKey()]);
  const grants = await readChain([await grantBy(root, owner, carKey)], root.jwk, CAR);
  const keys = await carKeys(grants[0]);
  const rights = grants[0].rights;
  car = { carId: CAR, keyId: owner.keyId, root: root.jwk, keys, grants, rights };
});

describe('a cell that swaps keys', () => {
  it('cannot bring a root that the link does not name', async () => {
    const link = { carId: CAR, code: 'A'.repeat(22), rootKeyId: root.keyId };
    const grant = await grantBy(stranger, owner, stranger);
    const taken = keepCar(link, grant, stranger.jwk, NOW_S);
    await expect(taken).rejects.toMatchObject({ code: 'key_unknown' });
  });

  it('cannot bring keys of the car that the maker did not sign', async () => {
    const byItself = await grantBy(stranger, owner, stranger);
    const byOurName = await grantBy({ ...stranger, keyId: root.keyId }, owner, stranger);
    const ofAnotherCar = await grantBy(root, owner, carKey, OTHER_CAR);
    for (const grant of [byItself, byOurName, ofAnotherCar]) {
      await expect(readChain([grant], root.jwk, CAR)).rejects.toHaveProperty('code');
    }
  });
});

describe('a cell that lies about the end of a command', () => {
  it('is believed when it has the word of the car, and else it is not', async () => {
    const lock = await ask(LOCK);
    const receipt = await receiptOf(lock);
    expect(await proof(told(lock, { receipt }), [lock])).toBe('verified');
    expect(await proof(told(lock), [lock])).toBe('missing');
    expect(await proof(told(lock, { receipt, state: 'failed' }), [lock])).toBe('false');
  });

  it('cannot forge a receipt', async () => {
    const lock = await ask(LOCK);
    const byItself = await receiptOf(lock, { by: stranger });
    const byOurName = await receiptOf(lock, { by: { ...stranger, keyId: carKey.keyId } });
    const genuine = await receiptOf(lock, { outcome: 'refused', reason: 'moving' });
    const [head, , signature] = genuine.split('.');
    const spliced = [head, (await receiptOf(lock)).split('.')[1], signature].join('.');
    for (const receipt of [byItself, byOurName, spliced]) {
      expect(await proof(told(lock, { receipt }), [lock])).toBe('false');
    }
  });

  it('cannot give the receipt of another command, key or car', async () => {
    const [lock, earlier] = [await ask(LOCK), await ask(LOCK)];
    for (const receipt of [
      await receiptOf(earlier),
      await receiptOf(lock, { key: stranger.keyId }),
      await receiptOf(lock, { iss: OTHER_CAR }),
      await receiptOf({ ...earlier, commandId: lock.commandId }),
    ]) {
      expect(await proof(told(lock, { receipt }), [lock])).toBe('false');
    }
  });

  it('cannot show another document than the one that this page signed', async () => {
    const lock = await ask(LOCK);
    const other = { ...(await ask(UNLOCK)), commandId: lock.commandId };
    const shown = told(lock, { command: other.document, receipt: await receiptOf(other) });
    expect(await proof(shown, [lock])).toBe('false');
  });

  it('cannot call an unlock a lock', async () => {
    const unlock = await ask(UNLOCK);
    const receipt = await receiptOf(unlock);
    for (const known of [[], [unlock]]) {
      expect(await proof(told(unlock, { receipt, scope: 'lock' }), known)).toBe('false');
    }
  });

  it('breaks nothing with an answer that is no receipt', async () => {
    const lock = await ask(LOCK);
    for (const junk of ['', 'a.b.c', '..', 7, {}, [], 'x'.repeat(100_000)]) {
      const shown = told(lock, { receipt: junk as string });
      expect(await proof(shown, [lock])).toBe('false');
      expect(await proof({ ...shown, command: junk as string }, [])).toBe('false');
    }
  });

  it.each<State>(['expired', 'cancelled'])('is named as who says that it was %s', async (state) => {
    const lock = await ask(LOCK);
    expect(isCellsWord(told(lock, { state }))).toBe(true);
    expect(isCellsWord(told(lock, { state, receipt: await receiptOf(lock) }))).toBe(false);
  });
});

describe('a cell that drops a command', () => {
  it('is found out: it may happen until its deadline, then nobody knows, and it is never done', async () => {
    const lock = await ask(LOCK);
    const at = (s: number) => missingFrom([], [lock], s * 1_000);
    expect(at(NOW_S).map(({ state }) => state)).toEqual(['sent']);
    expect(at(lock.deadlineS - 1).map(({ state }) => state)).toEqual(['sent']);
    expect(at(lock.deadlineS).map(({ state }) => state)).toEqual(['unknown']);
    expect(at(lock.deadlineS).map(({ proof }) => proof)).toEqual(['unchecked']);
  });

  it('cannot put an old answer in the place of what was asked', async () => {
    const [earlier, lock] = [await ask(LOCK), { ...(await ask(UNLOCK)), askedS: NOW_S + 1 }];
    const old = {
      ...told(earlier, { receipt: await receiptOf(earlier) }),
      proof: 'verified' as const,
    };
    const all = [old, ...missingFrom([old], [earlier, lock], NOW_S * 1_000)];
    const newest = newestOf(all, ['lock', 'unlock']);
    expect(newest?.command_id).toBe(lock.commandId);
    expect(newest && isPending(newest.state)).toBe(true);
  });

  it('is asked about the newest commands alone', async () => {
    const lock = await ask(LOCK);
    let asked: readonly Asked[] = [];
    for (let n = 0; n < ASKED_MAX + 5; n += 1) asked = remember(asked, { ...lock, askedS: n });
    expect(asked).toHaveLength(ASKED_MAX);
    expect(asked.at(-1)?.askedS).toBe(ASKED_MAX + 4);
  });
});

describe('a cell that changes the log', () => {
  async function threeLines(): Promise<string[]> {
    const lines: string[] = [];
    let previous_sha256 = LOG_BEGIN.sha256;
    for (const sequence of [1, 2, 3]) {
      lines.push(await receiptOf(await ask(LOCK), { sequence, previous_sha256 }));
      previous_sha256 = await signingDigest(lines.at(-1) ?? '');
    }
    return lines;
  }

  async function verdict(receipts: unknown[], lines: string[] = [], other: string | null = null) {
    const logs = { receipts: receipts as string[], lines, other_receipt: other };
    return (await compare(logs, car)).verdict;
  }

  it('is found out when it cuts, swaps, repeats, rewrites or forks a line', async () => {
    const [one, two, three] = await threeLines();
    expect(await verdict([one, two, three])).toBe('same');
    const fork = await receiptOf(await ask(UNLOCK), { sequence: 2 });
    const forged = await receiptOf(await ask(UNLOCK), { by: stranger });
    for (const receipts of [
      [two, three],
      [one, three],
      [one, three, two],
      [one, one, two],
      [one, fork, three],
      [forged, two, three],
      [one, 'junk'],
    ]) {
      expect(await verdict(receipts)).toBe('broken');
    }
    expect(await verdict([one, two], [], three)).toBe('differ');
  });

  it.each(['junk', 'null', '7', '[]', '{}', '{"number":1}'])(
    'breaks nothing with a line that is %s',
    async (line) => {
      expect(await verdict(await threeLines(), [line])).toBe('cell_broken');
    },
  );
});
