// What pages use to own a car. They import from here alone.
//
//   readLink(location.hash)                   what a hand-over link says, or null
//   requestCar(link, nowS)                    the request to send; makes this browser's key
//   keepCar(link, grant, root, nowS)          checks the maker's answer, and keeps it
//   ownCars()                                 the cars that this browser has a key for
//   signWish(car, wish, {...}, nowS)          a signed command with its grants, ready to send
//   newIdentifier('scene')                    a new name
//   verifyReceipt(document, car.carId, car.keys.sign), answers(receipt, command)
//   verifyLog(documents, car.carId, car.keys.sign, after)
//   openEnvelope(command, grants, car.root, car.carId), judge(command, nowS)
//   forgetCar(carId)                          this browser's key for the car is gone for ever
//
// Rules: nothing that the cell says is believed that a signature can show. The maker's root is the
// one that the hand-over link names, the car's keys are those of the maker's grant. Everything that
// cannot be taken throws DocumentRefused with a code of docs/protocol/errors.md.

import { type CommandReason, judge, openEnvelope, signCommand, type Wish } from './commands.ts';
import { type CarKeys, carKeys, type Grant, judgeChain, readChain } from './grants.ts';
import { type HandOverLink, readLink, signHandOver } from './hand-over.ts';
import { newIdentifier } from './identifiers.ts';
import { allGrants, forgetCar, keepGrants, keptKey, keyFor, takeCounter } from './keystore.ts';
import {
  answers,
  LOG_BEGIN,
  type LogPlace,
  type Receipt,
  verifyLog,
  verifyReceipt,
} from './receipts.ts';
import { DocumentRefused, type PublicKey, publicKey, thumbprint } from './verify.ts';

export type { CommandReason, HandOverLink, LogPlace, PublicKey, Receipt, Wish };
export {
  answers,
  DocumentRefused,
  forgetCar,
  judge,
  LOG_BEGIN,
  newIdentifier,
  openEnvelope,
  readLink,
  verifyLog,
  verifyReceipt,
};

/** A car that this browser has a key for. */
export interface OwnCar {
  carId: string;
  /** The name of this browser's key. */
  keyId: string;
  root: PublicKey;
  keys: CarKeys;
  /** From the maker's grant to the one of this browser's key. */
  grants: readonly Grant[];
  /** What this key may ask the car for. */
  rights: ReadonlySet<string>;
}

/** A command as it is sent: `{"command": document, "grants": grants}`. */
export interface SignedCommand {
  commandId: string;
  keyId: string;
  document: string;
  grants: string[];
  deadlineS: number;
}

/** The request for the car of the link, as a document; the same key however often it is asked. */
export async function requestCar(link: HandOverLink, nowS: number): Promise<string> {
  return await signHandOver(link, await keyFor(link.carId), nowS);
}

/**
 * Keep the maker's grant, when it is for this browser's key and from the root that the link names.
 *
 * grant and root are what the cell brought. Throws DocumentRefused.
 */
export async function keepCar(
  link: HandOverLink,
  grant: string,
  root: unknown,
  nowS: number,
): Promise<OwnCar> {
  const rootKey = await publicKey(root);
  if ((await thumbprint(rootKey)) !== link.rootKeyId) throw new DocumentRefused('key_unknown');
  const car = await readCar({ carId: link.carId, root: rootKey, grants: [grant] });
  if (judgeChain(car.grants, nowS) !== null) throw new DocumentRefused('document_not_yet_valid');
  await keepGrants({ carId: link.carId, root: rootKey, grants: [grant] });
  return car;
}

/** The cars that this browser has a key for; grants are checked again each time. */
export async function ownCars(): Promise<OwnCar[]> {
  const kept = await allGrants();
  return await Promise.all(kept.map((car) => readCar(car)));
}

/**
 * A command for the car, signed with the next number of this browser's key.
 *
 * epoch is what the car said last; lifetimeS is 1 to 86,400 seconds. Throws DocumentRefused.
 */
export async function signWish(
  car: OwnCar,
  wish: Wish,
  { epoch, lifetimeS, replaces }: { epoch: string; lifetimeS: number; replaces?: string },
  nowS: number,
): Promise<SignedCommand> {
  const key = await keptKey(car.carId);
  if (key === null || key.keyId !== car.keyId) throw new DocumentRefused('key_unknown');
  const commandId = newIdentifier('command');
  const counter = await takeCounter(key.keyId);
  const deadlineS = nowS + lifetimeS;
  const asked = { carId: car.carId, epoch, counter, wish, issuedS: nowS, deadlineS, replaces };
  const document = await signCommand({ commandId, ...asked }, car.keys.seal, key);
  const grants = car.grants.map((grant) => grant.document);
  return { commandId, keyId: key.keyId, document, grants, deadlineS };
}

async function readCar(kept: {
  carId: string;
  root: PublicKey;
  grants: string[];
}): Promise<OwnCar> {
  const key = await keptKey(kept.carId);
  const grants = await readChain(kept.grants, kept.root, kept.carId);
  const last = grants.at(-1) ?? grants[0];
  if (last.keyId !== key?.keyId) throw new DocumentRefused('key_unknown');
  const keys = await carKeys(grants[0]);
  const { carId, root } = kept;
  return { carId, keyId: last.keyId, root, keys, grants, rights: last.rights };
}
