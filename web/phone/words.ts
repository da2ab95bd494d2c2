// The words for what a car names: scopes, reasons, doors. What is new to this page is shown as it is.

import { known } from '../lib/messages/known.ts';
import { t } from '../lib/messages/language.svelte.ts';
import { OUTCOMES, SCOPES } from './view.ts';

const isOneOf = (all: readonly string[], name: string) => all.includes(name);

/** What was asked for. */
export function scopeOf(scope: string): string {
  return (isOneOf(SCOPES, scope) && known(`command.${scope}`)) || t('command.other');
}

/** Why it was not done. */
export function reasonOf(reason: string): string {
  return known(`reason.${reason}`) ?? t('reason.other', { reason });
}

/** What became of it. */
export function outcomeOf(outcome: string): string {
  return (isOneOf(OUTCOMES, outcome) && known(`command.${outcome}`)) || outcome;
}

/** What the cell noted. */
export function lineOf(what: string): string {
  return known(`log.${what}`) ?? t('log.other', { what });
}

/** Which door. */
export function doorOf(door: string): string {
  return known(`door.${door}`) ?? t('door.other');
}

/** Why a scene ran, or did not. */
export function traceReasonOf(reason: string): string {
  return known(`trace.${reason}`) ?? t('reason.other', { reason });
}

/** On which side of its place the car was. */
export function sideOf(side: string): string {
  return known(`side.${side}`) ?? t('side.unknown');
}

/** What became of what a scene asked of the home. */
export function requestStateOf(state: string): string {
  return known(`request.${state}`) ?? state;
}

/** Why the home did not do it. */
export function homeReasonOf(reason: string): string {
  return known(`home.reason.${reason}`) ?? t('home.reason.other', { reason });
}

/** A device of a home. */
export function deviceOf(name: string): string {
  return known(`device.${name}`) ?? name;
}
