/**
 * What the clients are given of the rest of the package: the one file here that knows who does it.
 *
 * Nothing runs when this is loaded: a Worker may make no timer, request or random value before its first request.
 */

import { Guard } from '../guard.ts';
import { budgetErrorOf } from '../protocol/refusals.ts';
import { riskTagsOf } from '../requestText.ts';
import { readSettings } from '../settings.ts';
import { warnOnce } from '../shared.ts';
import type { Collaborators } from './interfaces.ts';
import { sharedReach } from './reach.ts';

export const collaborators: Collaborators = {
  guardFor: (options) => new Guard(readSettings(options)),
  reachOf: ({ settings }) => sharedReach(settings.baseURL, settings.timeoutSeconds),
  riskTagsOf: (value) => riskTagsOf(value),
  budgetErrorOf,
  warnOnce,
};
