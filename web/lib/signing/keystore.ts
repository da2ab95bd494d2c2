// The keys of this browser, in IndexedDB: for each car one P-256 key that cannot be taken out, its
// counter, and the grants that lead to it.
//
// Rules:
// - one key for one car, so that nobody can tell by the keys which cars belong together;
// - a counter is taken inside one readwrite transaction, which browsers run one after another over
//   all tabs, and it is on disk before it is used; so no number is ever taken twice;
// - whoever comes second with a key for the same car gets the key that is there.
//
// Left out on purpose: copies of a key. A browser that loses it needs another grant.

import type { Signer } from './sign.ts';
import { type PublicKey, publicKey, thumbprint } from './verify.ts';

/** A key of this browser for one car. */
export interface OwnKey extends Signer {
  carId: string;
  jwk: PublicKey;
}

/** What leads from the maker's root to a key of this browser. */
export interface KeptGrants {
  carId: string;
  /** The maker's public key, compared with the hand-over link when it was kept. */
  root: PublicKey;
  /** The documents, the maker's first. */
  grants: string[];
}

interface KeptCounter {
  keyId: string;
  /** The last number that was taken. */
  counter: number;
}

const NAME = 'monocoque-keys';
const VERSION = 1;
const KEYS = 'keys';
const COUNTERS = 'counters';
const GRANTS = 'grants';

/** The key for this car; made when there is none yet. */
export async function keyFor(carId: string): Promise<OwnKey> {
  const kept = await keptKey(carId);
  if (kept !== null) return kept;
  // Chance outside the transaction: a transaction ends while one waits for anything else.
  const made = await makeKey(carId);
  // Ask that the key be kept when space is short. Some browsers ask the person, who may take any
  // time to answer; the key is good without it, so nobody waits.
  navigator.storage?.persist?.().catch(() => false);
  return await transact([KEYS], 'readwrite', async (stores) => {
    const other: OwnKey | undefined = await answered(stores(KEYS).get(carId));
    if (other === undefined) await answered(stores(KEYS).add(made));
    return other ?? made;
  });
}

/** The key for this car, or null. */
export async function keptKey(carId: string): Promise<OwnKey | null> {
  return await transact([KEYS], 'readonly', async (stores) => {
    const kept: OwnKey | undefined = await answered(stores(KEYS).get(carId));
    return kept ?? null;
  });
}

/** The next number of this key: 1, 2, 3, and never one of them twice, in whichever tab. */
export async function takeCounter(keyId: string): Promise<number> {
  return await transact([COUNTERS], 'readwrite', async (stores) => {
    const kept: KeptCounter | undefined = await answered(stores(COUNTERS).get(keyId));
    const counter = (kept?.counter ?? 0) + 1;
    await answered(stores(COUNTERS).put({ keyId, counter } satisfies KeptCounter));
    return counter;
  });
}

/** Keep what leads to the key for a car; what was kept for it before is gone. */
export async function keepGrants(kept: KeptGrants): Promise<void> {
  await transact([GRANTS], 'readwrite', (stores) => answered(stores(GRANTS).put(kept)));
}

/** What was kept for every car, in the order of their ids. */
export async function allGrants(): Promise<KeptGrants[]> {
  return await transact([GRANTS], 'readonly', (stores) => answered(stores(GRANTS).getAll()));
}

/** Forget key and grants for a car. The counter stays: a number is never taken again. */
export async function forgetCar(carId: string): Promise<void> {
  await transact([KEYS, GRANTS], 'readwrite', async (stores) => {
    await answered(stores(KEYS).delete(carId));
    await answered(stores(GRANTS).delete(carId));
  });
}

async function makeKey(carId: string): Promise<OwnKey> {
  const how = { name: 'ECDSA', namedCurve: 'P-256' };
  const pair = await crypto.subtle.generateKey(how, false, ['sign', 'verify']);
  const jwk = await publicKey(await crypto.subtle.exportKey('jwk', pair.publicKey));
  return { carId, keyId: await thumbprint(jwk), jwk, privateKey: pair.privateKey };
}

/** Runs the work in one transaction; resolves when what it wrote is on disk. */
async function transact<T>(
  names: string[],
  mode: IDBTransactionMode,
  work: (stores: (name: string) => IDBObjectStore) => Promise<T>,
): Promise<T> {
  const database = await open();
  try {
    const transaction = database.transaction(names, mode, { durability: 'strict' });
    const ended = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    const [result] = await Promise.all([work((name) => transaction.objectStore(name)), ended]);
    return result;
  } finally {
    database.close();
  }
}

async function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(NAME, VERSION);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(KEYS, { keyPath: 'carId' });
    request.result.createObjectStore(COUNTERS, { keyPath: 'keyId' });
    request.result.createObjectStore(GRANTS, { keyPath: 'carId' });
  };
  return await answered(request);
}

function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
