// What the browser does about passkeys (WebAuthn Level 3): makes one, or answers with one.
//
// Rules: the cell's options come as JSON, with bytes in base64url; what goes back is the same way.
// A person who cancels has made no mistake: that is NoPasskey, and no problem.
// Left out on purpose: what an answer is worth; the cell decides that.

import type { NewPasskey, PasskeyAnswer } from './api/client.ts';
import { decodeBase64url, encodeBase64url } from './signing/bytes.ts';

/** The browser gave none: cancelled, none here, or one is there already. */
export class NoPasskey extends Error {
  readonly reason: 'not_given' | 'already';

  constructor(reason: 'not_given' | 'already') {
    super(reason);
    this.reason = reason;
  }
}

/** Whether this browser knows passkeys here. */
export function canPasskey(): boolean {
  return typeof PublicKeyCredential !== 'undefined';
}

/** Make a passkey as the cell asks. Throws NoPasskey. */
export async function makePasskey(
  options: Record<string, unknown>,
  name: string,
): Promise<NewPasskey> {
  const asked = options as unknown as PublicKeyCredentialCreationOptionsJSON;
  const publicKey = {
    ...asked,
    challenge: decodeBase64url(asked.challenge),
    user: { ...asked.user, id: decodeBase64url(asked.user.id) },
    excludeCredentials: (asked.excludeCredentials ?? []).map(({ id }) => ({
      type: 'public-key' as const,
      id: decodeBase64url(id),
    })),
  } as unknown as PublicKeyCredentialCreationOptions;
  const made = await given(navigator.credentials.create({ publicKey }));
  const response = made.response as AuthenticatorAttestationResponse;
  return {
    name,
    credential_id: text(made.rawId),
    client_data: text(response.clientDataJSON),
    attestation: text(response.attestationObject),
  };
}

/** Answer the cell with a passkey of this site. Throws NoPasskey. */
export async function usePasskey(options: Record<string, unknown>): Promise<PasskeyAnswer> {
  const asked = options as unknown as PublicKeyCredentialRequestOptionsJSON;
  const publicKey = {
    ...asked,
    challenge: decodeBase64url(asked.challenge),
    allowCredentials: [],
  } as unknown as PublicKeyCredentialRequestOptions;
  const used = await given(navigator.credentials.get({ publicKey }));
  const response = used.response as AuthenticatorAssertionResponse;
  return {
    credential_id: text(used.rawId),
    client_data: text(response.clientDataJSON),
    authenticator_data: text(response.authenticatorData),
    signature: text(response.signature),
    user_handle: response.userHandle ? text(response.userHandle) : '',
  };
}

async function given(asked: Promise<Credential | null>): Promise<PublicKeyCredential> {
  let credential: Credential | null;
  try {
    credential = await asked;
  } catch (thrown) {
    const isThere = thrown instanceof DOMException && thrown.name === 'InvalidStateError';
    throw new NoPasskey(isThere ? 'already' : 'not_given');
  }
  if (credential === null) throw new NoPasskey('not_given');
  return credential as PublicKeyCredential;
}

function text(bytes: ArrayBuffer): string {
  return encodeBase64url(new Uint8Array(bytes));
}
