import { generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';

const multiply = tool({
  description: 'Multiply two numbers.',
  inputSchema: z.object({ a: z.number(), b: z.number() }),
  execute: async ({ a, b }) => a * b,
});

export const actions = {
  ask: async () => (await generateText({ model, prompt: 'hello' })).text,
  stream: async () => {
    let said = '';
    for await (const piece of streamText({ model, prompt: 'hello' }).textStream) said += piece;
    return said;
  },
  tools: async () => {
    const { steps } = await generateText({
      model, prompt: 'what is 6 times 7?', tools: { multiply }, stopWhen: stepCountIs(3),
    });
    return steps.flatMap((step) => step.toolResults.map((result) => result.toolName)).join(',');
  },
};
