/** What the types of watched clients keep: compiled by `npm run check`, never run. */

import Anthropic from '@anthropic-ai/sdk';
import AnthropicPrevious from 'anthropic-previous';
import OpenAI, { AzureOpenAI } from 'openai';
import OpenAIPrevious from 'openai-previous';
import type { Stream } from 'openai/streaming';
import { clientsWith } from '../src/clients/subclass.ts';
import type { Collaborators } from '../src/clients/interfaces.ts';

type Same<Left, Right> = (<T>() => T extends Left ? 1 : 2) extends <T>() => T extends Right ? 1 : 2 ? true : false;
const same = <Left, Right>(_is: Same<Left, Right>): void => undefined;

declare const collaborators: Collaborators;
const { watched, wrap } = clientsWith(collaborators);

const WatchedOpenAI = watched(OpenAI);
const WatchedAnthropic = watched(Anthropic);
const WatchedPrevious = watched(OpenAIPrevious);
const WatchedAnthropicPrevious = watched(AnthropicPrevious);

export async function overloadsAreKept(isStreaming: boolean): Promise<void> {
  const client = new WatchedOpenAI({ apiKey: 'k', agentwatchApiKey: 'aw', agentwatchSessionBudgetUsd: '0.50' });
  const request = { model: 'gpt-4o-mini', messages: [] };
  type Whole = OpenAI.Chat.ChatCompletion;
  type Pieces = Stream<OpenAI.Chat.ChatCompletionChunk>;

  const whole = await client.chat.completions.create(request);
  const alsoWhole = await client.chat.completions.create({ ...request, stream: false });
  const pieces = await client.chat.completions.create({ ...request, stream: true });
  const either = await client.chat.completions.create({ ...request, stream: isStreaming });
  const raw = await client.chat.completions.create(request).withResponse();

  whole satisfies Whole;
  whole.choices[0]?.message.content satisfies string | null | undefined;
  alsoWhole satisfies Whole;
  pieces satisfies Pieces;
  either satisfies Whole | Pieces;
  raw.data satisfies Whole;
  for await (const piece of pieces) piece.choices[0]?.delta.content satisfies string | null | undefined;
}

export async function anthropicsOverloadsAreKept(isStreaming: boolean): Promise<void> {
  const client = new WatchedAnthropic({ agentwatchHolds: true });
  const request = { model: 'claude-sonnet-4-5', max_tokens: 1, messages: [] };

  (await client.messages.create(request)) satisfies Anthropic.Message;
  const pieces = await client.messages.create({ ...request, stream: true });
  (await client.messages.create({ ...request, stream: isStreaming })) satisfies Anthropic.Message | typeof pieces;
  for await (const piece of pieces) piece satisfies Anthropic.MessageStreamEvent;
  client.messages.stream(request).on('text', (delta) => delta satisfies string);
}

export function classesAreKept(): void {
  const plain = new OpenAI();
  const wrapped = wrap(plain, { agentwatchAgent: 'planner' });
  same<typeof wrapped, OpenAI>(true);

  new WatchedOpenAI() satisfies OpenAI;
  new WatchedPrevious({ apiKey: 'k', agentwatchAgent: 'a' }) satisfies OpenAIPrevious;
  new WatchedAnthropicPrevious() satisfies AnthropicPrevious;
  new WatchedOpenAI().withOptions({ timeout: 1 }).withOptions({ agentwatchAgent: 'b' }).chat
    .completions satisfies OpenAI.Chat.Completions;
  const azure = new (watched(AzureOpenAI))({ apiVersion: 'v', agentwatchProject: 'p' });
  azure satisfies AzureOpenAI;
  new WatchedOpenAI.APIError(400, undefined, undefined, undefined) satisfies Error;
}

export function wrongOptionsAreErrors(): void {
  // @ts-expect-error: dollars are a number or text
  new WatchedOpenAI({ agentwatchSessionBudgetUsd: true });
  // @ts-expect-error: no such option
  new WatchedOpenAI({ agentwatchSesion: 'a' });
  // @ts-expect-error: no such option of OpenAI's
  new WatchedOpenAI({ apiKye: 'a' });
  // @ts-expect-error: a client is wrapped, not a class
  wrap('client');
}
