// Grants: who may ask a car for what, from the maker's root down to one key. The rules are those of
// monocoque.trust.grants; both read tests/vectors/commands.json.
//
// Rules: the root is the one that the reader itself keeps. A grant gives at most what its holder
// has. A begin may lie ahead by as much as clocks differ; an end is strict.
// Left out on purpose: signing grants for others, which comes with sharing.

import { isIdentifier } from './identifiers.ts';
import { KEY_GRANT } from './types.ts';
import {
  authenticate,
  boundKey,
  CLOCK_DIFFERENCE_S_MAX,
  type Claims,
  DocumentRefused,
  isObject,
  type PublicKey,
  publicKey,
  thumbprint,
} from './verify.ts';

export interface Grant {
  grantId: string;
  /** Whose grant it is: the name of `jwk`. */
  keyId: string;
  jwk: PublicKey;
  rights: ReadonlySet<string>;
  depth: number;
  beginsS: number;
  /** Null for the maker's grant, which has no end. */
  expiresS: number | null;
  parentId: string | null;
  claims: Claims;
  document: string;
}

/** The public keys of a car, as the maker's grant names them. */
export interface CarKeys {
  /** Checks the car's receipts. */
  sign: PublicKey;
  /** Arguments of commands are sealed to it. */
  seal: PublicKey;
}

export type ChainReason = 'grant_not_yet_valid' | 'grant_expired';

const CHAIN_GRANTS_MAX = 3;
const DEPTH_MAX = 3;
const RIGHTS_MAX = 64;
const CHILD_LIFETIME_S_MAX = 7 * 86_400;
export const RIGHT_FORM = /^[a-z][a-z_]{0,63}$/;

/** The grants, the maker's first, when they are genuine, whatever the time; or DocumentRefused. */
export async function readChain(
  grants: readonly string[],
  root: PublicKey,
  carId: string,
): Promise<[Grant, ...Grant[]]> {
  const [makers, ...others] = grants;
  if (makers === undefined || grants.length > CHAIN_GRANTS_MAX) throw refused();
  const first = await read(makers, root, carId);
  if (first.claims.iss !== 'maker' || first.parentId !== null) throw refused();
  const chain: [Grant, ...Grant[]] = [first];
  const keys = new Set([await thumbprint(root)]);
  addKey(keys, first);
  let parent = first;
  for (const document of others) {
    const grant = await read(document, parent.jwk, carId);
    checkChild(grant, parent);
    addKey(keys, grant);
    chain.push(grant);
    parent = grant;
  }
  return chain;
}

/** Why this genuine chain does not hold now, or null. The car also knows what was revoked. */
export function judgeChain(chain: readonly Grant[], nowS: number): ChainReason | null {
  for (const grant of chain) {
    if (nowS < grant.beginsS - CLOCK_DIFFERENCE_S_MAX) return 'grant_not_yet_valid';
    if (grant.expiresS !== null && nowS >= grant.expiresS) return 'grant_expired';
  }
  return null;
}

/** The car's public keys in the maker's grant; throws DocumentRefused when it has none. */
export async function carKeys(grant: Grant): Promise<CarKeys> {
  const keys = grant.claims.car;
  if (grant.parentId !== null || !isObject(keys)) throw new DocumentRefused('document_malformed');
  return { sign: await publicKey(keys.sign), seal: await publicKey(keys.seal) };
}

async function read(document: string, signedBy: PublicKey, carId: string): Promise<Grant> {
  const signerId = await thumbprint(signedBy);
  const findKey = (keyId: string) => (keyId === signerId ? signedBy : undefined);
  const claims = await authenticate(KEY_GRANT, document, findKey, carId);
  const jwk = await boundKey(claims);
  const issuedS = Number(claims.iat);
  const grant: Grant = {
    grantId: identifier(claims.jti),
    keyId: await thumbprint(jwk),
    jwk,
    rights: rights(claims.rights),
    depth: depth(claims.depth),
    beginsS: Math.max(issuedS, Number(claims.nbf ?? issuedS)),
    expiresS: claims.exp === undefined ? null : Number(claims.exp),
    parentId: Object.hasOwn(claims, 'parent') ? identifier(claims.parent) : null,
    claims,
    document,
  };
  if (claims.aud !== carId) throw refused();
  return grant;
}

function checkChild(grant: Grant, parent: Grant): void {
  const follows = grant.claims.iss === parent.keyId && grant.parentId === parent.grantId;
  const rightsFit = [...grant.rights].every((right) => parent.rights.has(right));
  const depthFits = grant.depth < parent.depth;
  if (!follows || !rightsFit || !depthFits || grant.beginsS < parent.beginsS) throw refused();
  if (grant.expiresS === null) throw refused();
  const lifetimeS = grant.expiresS - Number(grant.claims.iat);
  if (lifetimeS <= 0 || lifetimeS > CHILD_LIFETIME_S_MAX) throw refused();
  if (parent.expiresS !== null && grant.expiresS > parent.expiresS) throw refused();
}

function addKey(keys: Set<string>, grant: Grant): void {
  if (keys.has(grant.keyId)) throw refused();
  keys.add(grant.keyId);
}

function identifier(value: unknown): string {
  if (!isIdentifier(value, 'grant')) throw new DocumentRefused('document_malformed');
  return value;
}

function rights(value: unknown): ReadonlySet<string> {
  const names: unknown[] = Array.isArray(value) ? value : [];
  const known = names.filter((name): name is string => typeof name === 'string');
  const areNames = known.length === names.length && known.every((name) => RIGHT_FORM.test(name));
  if (names.length < 1 || names.length > RIGHTS_MAX || !areNames) {
    throw new DocumentRefused('document_malformed');
  }
  return new Set(known);
}

function depth(value: unknown): number {
  if (!Number.isInteger(value) || Number(value) < 0 || Number(value) > DEPTH_MAX) {
    throw new DocumentRefused('document_malformed');
  }
  return Number(value);
}

function refused(): DocumentRefused {
  return new DocumentRefused('grant_refused');
}
