// Why one car differs from another: the rule behind each change. Pure.

import type { Catalogue, Reason } from '../lib/api/client.ts';
import type { Changed } from './address.ts';

const GROUP_RULE = 'one-of-';

type Rule = Catalogue['rules'][number];

/**
 * The rule that made a change necessary, or null when it was a wish. Of several, the one that leaves
 * the fewest ways: "only 21-inch wheels" says more than "19 inches or more".
 */
export function reasonOf(
  catalogue: Catalogue,
  before: readonly string[],
  after: readonly string[],
  change: Changed,
): Reason | null {
  const found = catalogue.rules
    .filter((rule) => made(rule, before, after, change))
    .sort((a, b) => a.needs_any.length - b.needs_any.length);
  return found[0] ?? null;
}

function made(
  rule: Rule,
  before: readonly string[],
  after: readonly string[],
  { from, to }: Changed,
): boolean {
  const isNeed =
    rule.needs_any.length > 0 &&
    rule.when.every((key) => after.includes(key)) &&
    !rule.needs_any.some((key) => before.includes(key));
  if (isNeed) return to !== null && rule.needs_any.includes(to);
  // What had to go stood on one side of the rule, and what came stands on the other.
  const sides = [rule.when, rule.excludes];
  const isNew = (key: string) => after.includes(key) && !before.includes(key);
  return (
    from !== null &&
    sides.some((side, at) => side.includes(from) && sides[1 - at]?.some(isNew) === true)
  );
}

/** The reasons that say something: that a car has one drive is news only when it stands alone. */
export function telling(reasons: readonly Reason[]): readonly Reason[] {
  const rules = reasons.filter(({ key }) => !key.startsWith(GROUP_RULE));
  return rules.length > 0 ? rules : reasons;
}
