// What this page itself asked for, so that a cell that forgets a command is found out.
//
// Rules: a command that was handed in and that the cell does not show may still happen until its
// deadline, by this browser's clock; after that nobody can say. It is never shown as more than that.

import type { Shown } from './view.ts';

/** A command as this page signed it and the cell took it. */
export interface Asked {
  readonly commandId: string;
  readonly keyId: string;
  readonly scope: string;
  /** The very document. */
  readonly document: string;
  readonly askedS: number;
  readonly deadlineS: number;
}

/** How many are remembered, the newest; the cell shows twice as many. */
export const ASKED_MAX = 50;

/** One more, and the oldest forgotten when there are too many. */
export function remember(asked: readonly Asked[], one: Asked): readonly Asked[] {
  return [...asked, one].slice(-ASKED_MAX);
}

/** The documents that this page signed, by their commands. */
export function documentsOf(asked: readonly Asked[]): ReadonlyMap<string, string> {
  return new Map(asked.map(({ commandId, document }) => [commandId, document]));
}

/** What was asked here and does not stand in what the cell shows. here_ms: this browser's clock. */
export function missingFrom(
  shown: readonly Shown[],
  asked: readonly Asked[],
  here_ms: number,
): Shown[] {
  const known = new Set(shown.map(({ command_id }) => command_id));
  return asked
    .filter(({ commandId }) => !known.has(commandId))
    .map((one) => ({
      command_id: one.commandId,
      scope: one.scope,
      state: here_ms < one.deadlineS * 1_000 ? 'sent' : 'unknown',
      reason: null,
      key_id: one.keyId,
      accepted_at: new Date(one.askedS * 1_000).toISOString(),
      deadline_at: new Date(one.deadlineS * 1_000).toISOString(),
      command: one.document,
      receipt: null,
      proof: 'unchecked',
    }));
}
