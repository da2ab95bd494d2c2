// Signs documents in a browser with a key that never leaves it (docs/protocol/documents.md).
//
// Rules: whatever is signed goes through the reader's door first, so nothing is signed that no
// reader takes. ES256 alone: WebCrypto gives R and S as a document wants them (RFC 7518, 3.4).

import { encodeBase64url } from './bytes.ts';
import { parseStrictly } from './json.ts';
import { type Claims, checkClaims, DocumentRefused, type DocumentType } from './verify.ts';

/** Signs by one key; the private half need not be extractable. */
export interface Signer {
  keyId: string;
  privateKey: CryptoKey;
}

const DOCUMENT_BYTES_MAX = 65_536;

/** A document of that type with these claims; throws DocumentRefused. */
export async function signDocument(
  type: DocumentType,
  claims: Claims,
  signer: Signer,
): Promise<string> {
  checkClaims(type, claims);
  const header = { alg: 'ES256', kid: signer.keyId, typ: type.typ };
  const signingInput = `${pack(header)}.${pack(claims)}`;
  const how = { name: 'ECDSA', hash: 'SHA-256' };
  const message = new TextEncoder().encode(signingInput);
  const signature = await crypto.subtle.sign(how, signer.privateKey, message);
  const document = `${signingInput}.${encodeBase64url(new Uint8Array(signature))}`;
  if (document.length > DOCUMENT_BYTES_MAX) throw new DocumentRefused('document_too_large');
  return document;
}

function pack(members: Claims): string {
  const text = JSON.stringify(members);
  try {
    parseStrictly(text);
  } catch {
    throw new DocumentRefused('document_malformed');
  }
  return encodeBase64url(new TextEncoder().encode(text));
}
