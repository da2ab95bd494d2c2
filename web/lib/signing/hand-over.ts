// The hand-over: this browser's new key asks the maker for a car (docs/protocol/commands.md).
//
// Rules: the code stands in the fragment of the link, which browsers send to nobody; what is sent
// is a proof that is bound to the car and to this key. The link also names the maker's root, so
// that the cell cannot bring a root of its own.

import { decodeBase64url, encodeBase64url } from './bytes.ts';
import { isIdentifier, newIdentifier } from './identifiers.ts';
import { type Signer, signDocument } from './sign.ts';
import { HAND_OVER } from './types.ts';
import type { PublicKey } from './verify.ts';

/** What a hand-over link says. */
export interface HandOverLink {
  carId: string;
  /** 128 bits; a secret until the car is handed over. */
  code: string;
  /** The name of the maker's root key. */
  rootKeyId: string;
}

const LIFETIME_S = 600;
const CODE_BYTES = 16;
const HASH_BYTES = 32;

/** The parts of a fragment `#CAR_ID.CODE.ROOT`, or null when it is none. */
export function readLink(fragment: string): HandOverLink | null {
  const parts = fragment.replace(/^#/, '').split('.');
  const [carId, code, rootKeyId] = parts;
  if (parts.length !== 3 || code === undefined || rootKeyId === undefined) return null;
  if (!isIdentifier(carId, 'car') || !hasBytes(code, CODE_BYTES)) return null;
  return hasBytes(rootKeyId, HASH_BYTES) ? { carId, code, rootKeyId } : null;
}

/** The proof that whoever made it knows the code: HMAC-SHA256, bound to this car and this key. */
export async function handOverProof(code: string, carId: string, keyId: string): Promise<string> {
  const how = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', decodeBase64url(code), how, false, ['sign']);
  const message = new TextEncoder().encode(`monocoque-hand-over.v1\n${carId}\n${keyId}`);
  return encodeBase64url(new Uint8Array(await crypto.subtle.sign('HMAC', key, message)));
}

/** The request of this key for the car of the link, as a document. */
export async function signHandOver(
  link: HandOverLink,
  owner: Signer & { jwk: PublicKey },
  nowS: number,
): Promise<string> {
  const claims = {
    iss: owner.keyId,
    aud: 'factory',
    sub: link.carId,
    jti: newIdentifier('message'),
    iat: nowS,
    exp: nowS + LIFETIME_S,
    cnf: { jwk: owner.jwk },
    proof: await handOverProof(link.code, link.carId, owner.keyId),
  };
  return await signDocument(HAND_OVER, claims, owner);
}

function hasBytes(text: string, length: number): boolean {
  try {
    return decodeBase64url(text).length === length;
  } catch {
    return false;
  }
}
