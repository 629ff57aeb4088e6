const asked = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hello' }] };
const numbers = { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer' } } };

export const actions = {
  ask: async () => (await client.chat.completions.create(asked)).choices[0].message.content,
  stream: async () => {
    let said = '';
    for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) {
      said += chunk.choices[0]?.delta.content ?? '';
    }
    return said;
  },
  tools: async () => {
    const tools = [{ type: 'function', function: { name: 'multiply', parameters: numbers } }];
    const { tool_calls: calls } = (await client.chat.completions.create({ ...asked, tools })).choices[0].message;
    return (calls ?? []).map((call) => call.function.name).join(',');
  },
  structured: async () => {
    const format = { type: 'json_schema', json_schema: { name: 'numbers', schema: numbers } };
    const answer = await client.chat.completions.parse({ ...asked, response_format: format });
    return Object.keys(JSON.parse(answer.choices[0].message.content)).join(',');
  },
  embed: async () =>
    (await client.embeddings.create({ model: 'text-embedding-3-small', input: 'hello' })).data[0].embedding.length,
};
