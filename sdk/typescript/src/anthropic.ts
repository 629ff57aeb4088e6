/** Anthropic's client, watched: the class of the `@anthropic-ai/sdk` that this file finds. */

import Anthropic from '@anthropic-ai/sdk';
import { watched } from './index.ts';

export const WatchedAnthropic = /* @__PURE__ */ watched(Anthropic);
export type WatchedAnthropic = InstanceType<typeof WatchedAnthropic>;
