// Words for what a car, a home or the cell names: its name is the end of a key, if we have that key.

import { isPlain, t, word } from './language.svelte.ts';

/** The message of this key; null when there is none, or when it wants values. */
export function known(key: string): string | null {
  return isPlain(key) ? word(key) : null;
}

/** Why a car does not install, waits with it, or went back. */
export function updateReasonOf(reason: string): string {
  return known(`update.reason.${reason}`) ?? t('reason.other', { reason });
}
