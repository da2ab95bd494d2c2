// Commands: sealed to a car and signed by this browser's key (docs/protocol/commands.md). The rules
// are those of monocoque.trust.commands; both read tests/vectors/commands.json.
//
// Rules: arguments are filled up to one length before they are sealed, so that their length says
// nothing. Whether a command is fresh, only the car knows.

import { decodeBase64url, encodeBase64url } from './bytes.ts';
import { type ChainReason, type Grant, judgeChain, RIGHT_FORM, readChain } from './grants.ts';
import { isIdentifier } from './identifiers.ts';
import { seal } from './sealed.ts';
import { type Signer, signDocument } from './sign.ts';
import { COMMAND } from './types.ts';
import {
  authenticate,
  CLOCK_DIFFERENCE_S_MAX,
  DocumentRefused,
  isText,
  type PublicKey,
  signingDigest,
} from './verify.ts';

/** What a car can be asked for, with the arguments of each. */
export type Wish =
  | { scope: 'lock'; arguments: Record<string, never> }
  | { scope: 'unlock'; arguments: Record<string, never> }
  | { scope: 'climate'; arguments: { on: boolean; temperature_decicelsius: number } }
  | { scope: 'charge_limit'; arguments: { percent: number } }
  | { scope: 'update'; arguments: { release_number: number; agreed: boolean } };

/** A command before it is sealed and signed. */
export interface CommandRequest {
  commandId: string;
  carId: string;
  epoch: string;
  counter: number;
  wish: Wish;
  issuedS: number;
  /** The car does nothing from this second on; at most 24 hours after `issuedS`. */
  deadlineS: number;
  /** An older command that shall not be done any more. */
  replaces?: string | undefined;
}

/** A genuine command, whatever the time. */
export interface AuthenticCommand {
  commandId: string;
  keyId: string;
  grants: readonly Grant[];
  epoch: string;
  counter: number;
  scope: string;
  issuedS: number;
  deadlineS: number;
  replaces: string | null;
  sealed: Uint8Array<ArrayBuffer>;
  digest: string;
}

type Limits = { minimum: number; maximum: number } | 'yes or no';

/** The table of scopes: the arguments of each, with their limits. */
export const SCOPES: Readonly<Record<string, Readonly<Record<string, Limits>>>> = {
  lock: {},
  unlock: {},
  climate: { on: 'yes or no', temperature_decicelsius: { minimum: 160, maximum: 280 } },
  charge_limit: { percent: { minimum: 50, maximum: 100 } },
  update: { release_number: { minimum: 1, maximum: 2_147_483_647 }, agreed: 'yes or no' },
};

const ENVELOPE_BYTES_MAX = 32_768;
const ARGUMENTS_BYTES = 256;
const EPOCH_CHARACTERS_MAX = 64;
const SEALED_CHARACTERS_MAX = 2_048;
const P256 = { name: 'ECDH', namedCurve: 'P-256' };

/** The command as a document; throws DocumentRefused when its arguments are wrong. */
export async function signCommand(
  request: CommandRequest,
  sealKey: PublicKey,
  signer: Signer,
): Promise<string> {
  checkArguments(request.wish.scope, request.wish.arguments);
  const text = JSON.stringify(request.wish.arguments).padEnd(ARGUMENTS_BYTES);
  const { kty, crv, x, y = '' } = sealKey;
  const reader = await crypto.subtle.importKey('jwk', { kty, crv, x, y }, P256, true, []);
  const purpose = argumentsPurpose(request.commandId);
  const sealed = await seal(reader, new TextEncoder().encode(text), purpose);
  const claims = {
    iss: signer.keyId,
    aud: request.carId,
    jti: request.commandId,
    iat: request.issuedS,
    exp: request.deadlineS,
    epoch: request.epoch,
    counter: request.counter,
    scope: request.wish.scope,
    sealed: encodeBase64url(sealed),
    ...(request.replaces === undefined ? {} : { replaces: request.replaces }),
  };
  return await signDocument(COMMAND, claims, signer);
}

/** The command, when it is genuine, whatever the time; throws DocumentRefused. */
export async function openEnvelope(
  command: string,
  grants: readonly string[],
  root: PublicKey,
  carId: string,
): Promise<AuthenticCommand> {
  const bytes = [command, ...grants].reduce((sum, text) => sum + sizeBytes(text), 0);
  if (bytes > ENVELOPE_BYTES_MAX) throw new DocumentRefused('document_too_large');
  const chain = await readChain(grants, root, carId);
  const last = chain.at(-1) ?? chain[0];
  const findKey = (keyId: string) => (keyId === last.keyId ? last.jwk : undefined);
  const claims = await authenticate(COMMAND, command, findKey, carId);
  const { epoch, scope, sealed, counter, jti, replaces = null } = claims;
  const isRight =
    claims.iss === last.keyId &&
    claims.aud === carId &&
    isText(epoch) &&
    [...epoch].length <= EPOCH_CHARACTERS_MAX &&
    isText(scope) &&
    RIGHT_FORM.test(scope) &&
    typeof sealed === 'string' &&
    sealed.length <= SEALED_CHARACTERS_MAX &&
    Number.isInteger(counter) &&
    Number(counter) >= 1 &&
    isIdentifier(jti, 'command') &&
    (!Object.hasOwn(claims, 'replaces') || isIdentifier(replaces, 'command')) &&
    replaces !== jti;
  if (!isRight) throw new DocumentRefused('document_malformed');
  return {
    commandId: jti,
    keyId: last.keyId,
    grants: chain,
    epoch,
    counter: Number(counter),
    scope,
    issuedS: Number(claims.iat),
    deadlineS: Number(claims.exp),
    replaces: isText(replaces) ? replaces : null,
    sealed: opened(sealed),
    digest: await signingDigest(command),
  };
}

export type CommandReason =
  | ChainReason
  | 'deadline_passed'
  | 'not_yet_valid'
  | 'scope_unknown'
  | 'right_missing';

/** Why this genuine command cannot be done now, or null, as far as it can be known here. */
export function judge(command: AuthenticCommand, nowS: number): CommandReason | null {
  if (nowS >= command.deadlineS) return 'deadline_passed';
  if (nowS < command.issuedS - CLOCK_DIFFERENCE_S_MAX) return 'not_yet_valid';
  const reason = judgeChain(command.grants, nowS);
  if (reason !== null) return reason;
  if (!Object.hasOwn(SCOPES, command.scope)) return 'scope_unknown';
  const hasRight = command.grants.every((grant) => grant.rights.has(command.scope));
  return hasRight ? null : 'right_missing';
}

/** Returns when these are the arguments of the scope and no others; throws DocumentRefused. */
export function checkArguments(scope: string, given: Readonly<Record<string, unknown>>): void {
  const rows = Object.hasOwn(SCOPES, scope) ? SCOPES[scope] : undefined;
  if (rows === undefined) throw new DocumentRefused('scope_unknown');
  const names = Object.keys(rows);
  const fits = names.every((name) => {
    const [limits, value] = [rows[name], Object.hasOwn(given, name) ? given[name] : undefined];
    if (limits === undefined || limits === 'yes or no') return typeof value === 'boolean';
    if (typeof value !== 'number' || !Number.isInteger(value)) return false;
    return limits.minimum <= value && value <= limits.maximum;
  });
  if (!fits || Object.keys(given).length !== names.length) {
    throw new DocumentRefused('arguments_wrong');
  }
}

/** What the arguments of a command are sealed for; so they open in no other command. */
export function argumentsPurpose(commandId: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`monocoque-command.v1\n${commandId}`);
}

function opened(sealed: string): Uint8Array<ArrayBuffer> {
  try {
    return decodeBase64url(sealed);
  } catch {
    throw new DocumentRefused('document_malformed');
  }
}

function sizeBytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
