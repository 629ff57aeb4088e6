/**
 * Calls of the TypeScript SDK against the stack, one scenario a run: reads what to do from its argument (JSON), and
 * prints what came of it (JSON).
 */

import Anthropic from '../../sdk/typescript/node_modules/@anthropic-ai/sdk/index.mjs';
import OpenAI from '../../sdk/typescript/node_modules/openai/index.mjs';
import { flush, watched, type AgentWatchOptions } from '../../sdk/typescript/src/index.ts';

interface Plan {
  readonly scenario: keyof typeof scenarios;
  readonly mockURL: string;
  readonly tag: string;
  readonly options: AgentWatchOptions;
  readonly calls: number;
  readonly script: string;
}

const plan: Plan = JSON.parse(process.argv[2] ?? '{}');
const messages = [{ role: 'user' as const, content: 'hello' }];
const headers = { 'x-mock': plan.script, 'x-mock-tag': plan.tag };

/** The mock providers at the addresses of the real ones. */
const toMock: typeof fetch = (input, init) =>
  fetch(
    String(input)
      .replace('https://api.openai.com', `${plan.mockURL}/openai`)
      .replace('https://api.anthropic.com', `${plan.mockURL}/anthropic`),
    init,
  );

const openai = () =>
  new (watched(OpenAI))({
    apiKey: 'sk-mock',
    fetch: toMock,
    defaultHeaders: headers,
    ...plan.options,
  });

const anthropic = () =>
  new (watched(Anthropic))({
    apiKey: 'sk-mock',
    fetch: toMock,
    defaultHeaders: headers,
    ...plan.options,
  });

const body = { model: 'gpt-4o-mini', messages, max_tokens: 60 };

/** How each of the calls ended: its finish reason, or the error's name. */
async function ended(call: () => Promise<string | null | undefined>): Promise<string> {
  try {
    return String(await call());
  } catch (error) {
    return (error as Error).name;
  }
}

const scenarios = {
  async loop(): Promise<string[]> {
    const client = openai();
    const ends: string[] = [];
    for (let count = 0; count < plan.calls && ends.at(-1) !== 'AgentBudgetExceeded'; count += 1) {
      ends.push(await ended(async () => (await client.chat.completions.create(body)).choices[0]?.finish_reason));
    }
    await flush(10);
    return ends;
  },

  async atOnce(): Promise<string[]> {
    const client = openai();
    const call = () => ended(async () => (await client.chat.completions.create(body)).choices[0]?.finish_reason);
    const ends = await Promise.all(Array.from({ length: plan.calls }, call));
    await flush(20);
    return ends;
  },

  async streams(): Promise<string[]> {
    const client = openai();
    const whole = await ended(async () => {
      let last: string | null = null;
      for await (const chunk of await client.chat.completions.create({ ...body, stream: true })) {
        last = chunk.choices[0]?.finish_reason ?? last;
      }
      return last;
    });
    const left = await ended(async () => {
      for await (const _ of await client.chat.completions.create({ ...body, stream: true })) return 'left';
      return null;
    });
    await flush(10);
    return [whole, left];
  },

  async everyWay(): Promise<string[]> {
    const client = openai();
    const claude = anthropic();
    const ends = [
      await ended(async () => (await client.responses.create({ model: body.model, input: 'hello' })).status),
      await ended(async () =>
        String((await client.embeddings.create({ model: 'text-embedding-3-small', input: 'hello' })).data.length),
      ),
      await ended(async () => (await client.chat.completions.create(body).withResponse()).data.choices[0]?.finish_reason),
      await ended(async () =>
        (await claude.messages.create({ model: 'claude-haiku-4-5', messages, max_tokens: 60 })).stop_reason,
      ),
      await ended(async () =>
        (await claude.messages.stream({ model: 'claude-haiku-4-5', messages, max_tokens: 60 }).finalMessage()).stop_reason,
      ),
    ];
    await flush(10);
    return ends;
  },
};

console.log(JSON.stringify(await scenarios[plan.scenario]()));
