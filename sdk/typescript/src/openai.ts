/** OpenAI's clients, watched: the classes of the `openai` that this file finds, which is the one that imports find. */

import OpenAI, { AzureOpenAI } from 'openai';
import { watched } from './index.ts';

export const WatchedOpenAI = /* @__PURE__ */ watched(OpenAI);
export type WatchedOpenAI = InstanceType<typeof WatchedOpenAI>;

export const WatchedAzureOpenAI = /* @__PURE__ */ watched(AzureOpenAI);
export type WatchedAzureOpenAI = InstanceType<typeof WatchedAzureOpenAI>;
