import { embed, generateText, Output, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';

const multiply = tool({
  description: 'Multiply two numbers.',
  inputSchema: z.object({ a: z.number(), b: z.number() }),
  execute: async ({ a, b }) => a * b,
});

class ToldToOnError extends Error {
  cell = 'the text ends; `onError` is told';
}

const streamed = async (asked) => {
  let said = '';
  let told = null;
  const onError = ({ error }) => { told = error; };
  for await (const piece of streamText({ ...asked, prompt: 'hello', onError }).textStream) said += piece;
  if (told) throw new ToldToOnError(told.message);
  return said;
};

export const actions = {
  ask: async () => (await generateText({ model, prompt: 'hello' })).text,
  stream: () => streamed({ model }),
  tools: async () => {
    const { steps } = await generateText({
      model, prompt: 'what is 6 times 7?', tools: { multiply }, stopWhen: stepCountIs(3),
    });
    return steps.flatMap((step) => step.toolResults.map((result) => result.toolName)).join(',');
  },
  structured: async () => {
    const output = Output.object({ schema: z.object({ name: z.string(), people: z.number() }) });
    const answers = [model, claude, gemini].map((each) => generateText({ model: each, prompt: 'a city?', output }));
    return (await Promise.all(answers)).map((answer) => Object.keys(answer.output).join(',')).join(';');
  },
  embed: async () =>
    (await embed({ model: openai.embedding('text-embedding-3-small'), value: 'hello' })).embedding.length,
};
