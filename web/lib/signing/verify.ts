// Verifies signed documents in a browser, by the same rules as the cell (docs/protocol/documents.md).
//
// Rules: the reader decides the type and the key; nothing in the document can widen that. The
// signature is checked before any claim is believed. Both sides read tests/vectors/documents.json.
// Left out on purpose: signing (sign.ts).

import { decodeBase64url, encodeBase64url } from './bytes.ts';
import { parseStrictly } from './json.ts';

/** One row of the table of documents. */
export interface DocumentType {
  typ: string;
  algorithms: readonly string[];
  claims: readonly string[];
  /** Longest time from `iat` to `exp`; 0 for a record that has no `exp`. */
  lifetime_s_max: number;
}

/** A public key as a JWK with the members of its thumbprint. */
export interface PublicKey {
  kty: string;
  crv: string;
  x: string;
  y?: string;
}

export type Claims = Record<string, unknown>;

/** Gives the trusted public key of a key id. */
export type FindKey = (keyId: string) => PublicKey | undefined;

/** A document that cannot be taken; the codes are those of docs/protocol/errors.md. */
export class DocumentRefused extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

const DOCUMENT_BYTES_MAX = 65_536;
export const CLOCK_DIFFERENCE_S_MAX = 120;
const SIGNATURE_BYTES = 64;
const COORDINATE_BYTES = 32;

const ALGORITHMS = {
  ES256: { kty: 'EC', crv: 'P-256', how: { name: 'ECDSA', namedCurve: 'P-256' } },
  EdDSA: { kty: 'OKP', crv: 'Ed25519', how: { name: 'Ed25519' } },
} as const;
type Algorithm = keyof typeof ALGORITHMS;

/**
 * The claims of a document, when everything about it is right.
 *
 * findKey gives the trusted public key of a key id. nowS is seconds since 1970 by the reader's
 * clock. audience is who the reader is, or null. Throws DocumentRefused.
 */
export async function verify(
  type: DocumentType,
  document: string,
  findKey: FindKey,
  nowS: number,
  audience: string | null = null,
): Promise<Claims> {
  const claims = await readSigned(type, document, findKey);
  checkTimes(claims, nowS);
  checkAudience(claims, audience);
  return claims;
}

/** The claims of a document that is genuine, whatever the time: it may be over. */
export async function authenticate(
  type: DocumentType,
  document: string,
  findKey: FindKey,
  audience: string | null = null,
): Promise<Claims> {
  const claims = await readSigned(type, document, findKey);
  checkAudience(claims, audience);
  return claims;
}

/** SHA-256 over what was signed, without the signature, which has two right forms. */
export async function signingDigest(document: string): Promise<string> {
  const signingInput = document.slice(0, document.lastIndexOf('.'));
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(signingInput));
  return encodeBase64url(new Uint8Array(hash));
}

/** The key in `cnf.jwk` (RFC 7800), with the members of its name alone, and checked to be one. */
export async function boundKey(claims: Claims): Promise<PublicKey> {
  const confirmation = isObject(claims.cnf) ? claims.cnf.jwk : undefined;
  if (isObject(confirmation) && Object.hasOwn(confirmation, 'd')) {
    throw new DocumentRefused('document_malformed');
  }
  return await publicKey(confirmation);
}

/** A public key out of a claim, checked to be a point of its curve; throws DocumentRefused. */
export async function publicKey(value: unknown): Promise<PublicKey> {
  if (!isObject(value)) throw new DocumentRefused('document_malformed');
  const { kty, crv, x, y } = value;
  const named = Object.values(ALGORITHMS).find((row) => row.kty === kty && row.crv === crv);
  if (named === undefined || !isText(kty) || !isText(crv) || !isText(x)) {
    throw new DocumentRefused('document_malformed');
  }
  const key = kty === 'EC' ? { kty, crv, x, y: isText(y) ? y : '' } : { kty, crv, x };
  for (const coordinate of kty === 'EC' ? [x, key.y ?? ''] : [x]) {
    if (decode(coordinate).length !== COORDINATE_BYTES) {
      throw new DocumentRefused('document_malformed');
    }
  }
  await imported(key, named.how);
  return key;
}

async function readSigned(type: DocumentType, document: string, findKey: FindKey): Promise<Claims> {
  if (new TextEncoder().encode(document).length > DOCUMENT_BYTES_MAX) {
    throw new DocumentRefused('document_too_large');
  }
  const parts = document.split('.');
  const [head, body, signature] = parts;
  if (parts.length !== 3 || head === undefined || body === undefined || signature === undefined) {
    throw new DocumentRefused('document_malformed');
  }
  const { algorithm, keyId } = readHeader(type, unpack(head));
  const key = findKey(keyId);
  if (key === undefined || (await thumbprint(key)) !== keyId) {
    throw new DocumentRefused('key_unknown');
  }
  await checkSignature(key, algorithm, `${head}.${body}`, decode(signature));
  const claims = unpack(body);
  checkClaims(type, claims);
  return claims;
}

function readHeader(type: DocumentType, header: Claims): { algorithm: Algorithm; keyId: string } {
  if (header.typ !== type.typ) throw new DocumentRefused('document_type_unknown');
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')) {
    throw new DocumentRefused('critical_claim_unknown');
  }
  const named = type.algorithms.find((algorithm) => algorithm === header.alg);
  if (named !== 'ES256' && named !== 'EdDSA') throw new DocumentRefused('algorithm_refused');
  if (!isText(header.kid)) throw new DocumentRefused('document_malformed');
  return { algorithm: named, keyId: header.kid };
}

async function checkSignature(
  key: PublicKey,
  algorithm: Algorithm,
  signingInput: string,
  signature: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const { kty, crv, how } = ALGORITHMS[algorithm];
  if (key.kty !== kty || key.crv !== crv) throw new DocumentRefused('algorithm_refused');
  if (signature.length !== SIGNATURE_BYTES) throw new DocumentRefused('signature_invalid');
  const checkedKey = await imported(key, how);
  const message = new TextEncoder().encode(signingInput);
  const hashed = { name: how.name, hash: 'SHA-256' };
  if (!(await crypto.subtle.verify(hashed, checkedKey, signature, message))) {
    throw new DocumentRefused('signature_invalid');
  }
}

async function imported(
  key: PublicKey,
  how: { name: string; namedCurve?: string },
): Promise<CryptoKey> {
  try {
    return await crypto.subtle.importKey('jwk', members(key), how, false, ['verify']);
  } catch {
    throw new DocumentRefused('document_malformed');
  }
}

/** The name of a key: SHA-256 over its members in order (RFC 7638). */
export async function thumbprint(key: PublicKey): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify(members(key)));
  return encodeBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', text)));
}

function members({ kty, crv, x, y }: PublicKey): PublicKey {
  return kty === 'EC' ? { crv, kty, x, y: y ?? '' } : { crv, kty, x };
}

/** Whether the claims of the row are there, in their form, and end in time. */
export function checkClaims(type: DocumentType, claims: Claims): void {
  const isThere = (name: string) => Object.hasOwn(claims, name) && claims[name] !== null;
  const areTexts = ['iss', 'sub', 'jti'].every(
    (n) => !Object.hasOwn(claims, n) || isText(claims[n]),
  );
  const areTimes = ['iat', 'exp', 'nbf'].every(
    (n) => !Object.hasOwn(claims, n) || Number.isSafeInteger(claims[n]),
  );
  if (!type.claims.every(isThere) || !areTexts || !areTimes) {
    throw new DocumentRefused('document_malformed');
  }
  if (type.lifetime_s_max === 0) return;
  const lifetimeS = Number(claims.exp) - Number(claims.iat);
  if (!(lifetimeS > 0 && lifetimeS <= type.lifetime_s_max)) {
    throw new DocumentRefused('document_malformed');
  }
}

function checkTimes(claims: Claims, nowS: number): void {
  const beginS = Math.max(Number(claims.iat ?? 0), Number(claims.nbf ?? 0));
  if (nowS < beginS - CLOCK_DIFFERENCE_S_MAX) throw new DocumentRefused('document_not_yet_valid');
  if (claims.exp !== undefined && nowS >= Number(claims.exp) + CLOCK_DIFFERENCE_S_MAX) {
    throw new DocumentRefused('document_expired');
  }
}

function checkAudience(claims: Claims, audience: string | null): void {
  const named = claims.aud ?? null;
  if (named === null && audience === null) return;
  const names: unknown[] = Array.isArray(named) ? named : [named];
  if (audience === null || !names.includes(audience)) {
    throw new DocumentRefused('document_audience_wrong');
  }
}

function unpack(part: string): Claims {
  let value: unknown;
  try {
    value = parseStrictly(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(decode(part)),
    );
  } catch {
    throw new DocumentRefused('document_malformed');
  }
  if (!isObject(value)) throw new DocumentRefused('document_malformed');
  return value;
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  try {
    return decodeBase64url(text);
  } catch {
    throw new DocumentRefused('document_malformed');
  }
}

export function isObject(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
