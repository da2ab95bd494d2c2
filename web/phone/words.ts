// The words for what a car names: scopes, reasons, doors. What is new to this page is shown as it is.

import type { MessageKey } from '../lib/messages/catalogue.ts';
import { en } from '../lib/messages/en.ts';
import { t } from '../lib/messages/language.svelte.ts';

const SCOPE_KEYS: Readonly<Record<string, MessageKey & `command.${string}`>> = {
  lock: 'command.lock',
  unlock: 'command.unlock',
  climate: 'command.climate',
  charge_limit: 'command.charge_limit',
  update: 'command.update',
  scene_put: 'command.scene_put',
  scene_remove: 'command.scene_remove',
};

/** What was asked for. */
export function scopeOf(scope: string): string {
  const key = Object.hasOwn(SCOPE_KEYS, scope) ? SCOPE_KEYS[scope] : undefined;
  return key ? word(key) : t('command.other');
}

/** Why it was not done. */
export function reasonOf(reason: string): string {
  const key = `reason.${reason}`;
  return isPlain(key) ? word(key) : t('reason.other', { reason });
}

const OUTCOME_KEYS: Readonly<Record<string, Plain & `command.${string}`>> = {
  done: 'command.done',
  refused: 'command.refused',
  failed: 'command.failed',
  expired: 'command.expired',
  unknown: 'command.unknown',
  cancelled: 'command.cancelled',
};

/** What became of it. */
export function outcomeOf(outcome: string): string {
  const key = Object.hasOwn(OUTCOME_KEYS, outcome) ? OUTCOME_KEYS[outcome] : undefined;
  return key ? word(key) : outcome;
}

/** What the cell noted. */
export function lineOf(what: string): string {
  const key = `log.${what}`;
  return isPlain(key) ? word(key) : t('log.other', { what });
}

/** Which door. */
export function doorOf(door: string): string {
  const key = `door.${door}`;
  return isPlain(key) ? word(key) : t('door.other');
}

/** Why a car does not install, or went back. */
export function updateReasonOf(reason: string): string {
  const key = `update.reason.${reason}`;
  return isPlain(key) ? word(key) : t('reason.other', { reason });
}

/** Why a scene ran, or did not. */
export function traceReasonOf(reason: string): string {
  const key = `trace.${reason}`;
  return isPlain(key) ? word(key) : t('reason.other', { reason });
}

/** What became of what a scene asked of the home. */
export function requestStateOf(state: string): string {
  const key = `request.${state}`;
  return isPlain(key) ? word(key) : state;
}

/** Why the home did not do it. */
export function homeReasonOf(reason: string): string {
  const key = `home.reason.${reason}`;
  return isPlain(key) ? word(key) : t('home.reason.other', { reason });
}

/** A device of a home. */
export function deviceOf(name: string): string {
  const key = `device.${name}`;
  return isPlain(key) ? word(key) : name;
}

type Plain = {
  [key in MessageKey]: (typeof en)[key] extends string ? key : never;
}[MessageKey];

function isPlain(key: string): key is Plain {
  return Object.hasOwn(en, key);
}

function word(key: MessageKey): string {
  return t(key as 'command.other');
}
