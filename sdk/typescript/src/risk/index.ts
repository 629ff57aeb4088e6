/**
 * Which kinds of secrets and personal data a text has. What comes in: one text; it never tells where they are or what
 * they say, and knows no request.
 */

import { tagsOf, type RiskTag } from './tags.ts';

export { TAGS, type RiskTag } from './tags.ts';

/**
 * Risk tags in their published order, each once. Of a text that is nearly a finding all over, what was found before the
 * search gave up. Throws nothing but a `TypeError`, for what is no string.
 */
export function analyzeText(text: string): RiskTag[] {
  if (typeof text !== 'string') {
    throw new TypeError(`text must be a string, not ${text === null ? 'null' : typeof text}`);
  }
  return tagsOf(text);
}
