// Who is signed in at this site, and that person's settings.

import {
  beginPasskeySignIn,
  closeSession,
  type Me,
  openSession,
  openSessionByPasskey,
  readMe,
  type Settings,
  writeSettings,
} from './api/client.ts';
import { type Problem, problemOf } from './api/problem.ts';
import { setTheme } from './design/theme.svelte.ts';
import { inTurn } from './in-turn.ts';
import { setLocale } from './messages/language.svelte.ts';
import { usePasskey } from './passkeys.ts';

export type SessionState =
  | { readonly kind: 'asking' }
  | { readonly kind: 'out' }
  | { readonly kind: 'in'; readonly me: Me }
  | { readonly kind: 'failed'; readonly problem: Problem };

let current = $state.raw<SessionState>({ kind: 'asking' });

/** The session as it stands now. */
export function session(): SessionState {
  return current;
}

/** Ask who is signed in, and take over that person's language and appearance. */
export async function loadSession(): Promise<void> {
  current = { kind: 'asking' };
  try {
    const me = await readMe();
    setLocale(me.settings.locale);
    setTheme(me.settings.theme);
    current = { kind: 'in', me };
  } catch (thrown) {
    const problem = problemOf(thrown);
    current = problem.status === 401 ? { kind: 'out' } : { kind: 'failed', problem };
  }
}

/** Spend a sign-in code, then ask who came in. Throws a ProblemError. */
export async function signIn(code: string): Promise<void> {
  await openSession(code);
  await loadSession();
}

/** Sign in with a passkey. Throws a ProblemError, or NoPasskey when the browser gave none. */
export async function signInByPasskey(): Promise<void> {
  await openSessionByPasskey(await usePasskey(await beginPasskeySignIn()));
  await loadSession();
}

/** End the session. Throws a ProblemError; a session that is gone already counts as ended. */
export async function signOut(): Promise<void> {
  try {
    await closeSession();
  } catch (thrown) {
    if (problemOf(thrown).status !== 401) throw thrown;
  }
  current = { kind: 'out' };
}

/** The cell says that the session is over. */
export function sessionIsOver(): void {
  current = { kind: 'out' };
}

/**
 * Keep new settings with the account, one after another: the last ones are those that stay.
 *
 * Throws a ProblemError; for settings that newer ones have replaced, that of the newer ones.
 */
export const saveSettings = inTurn(async (settings: Settings): Promise<void> => {
  try {
    await writeSettings(settings);
  } catch (thrown) {
    if (problemOf(thrown).status === 401) current = { kind: 'out' };
    throw thrown;
  }
  if (current.kind === 'in') current = { kind: 'in', me: { ...current.me, settings } };
});
