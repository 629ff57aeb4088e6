const asked = { model: 'claude-haiku-4-5', max_tokens: 500, messages: [{ role: 'user', content: 'hello' }] };
const numbers = {
  type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer' } }, additionalProperties: false,
};

export const actions = {
  ask: async () => (await client.messages.create(asked)).content[0].text,
  stream: async () => client.messages.stream({ ...asked, max_tokens: 16_000 }).finalText(),
  tools: async () => {
    const { content } = await client.messages.create({ ...asked, tools: [{ name: 'multiply', input_schema: numbers }] });
    return content.filter((block) => block.type === 'tool_use').map((block) => block.name).join(',');
  },
  structured: async () => {
    const format = { type: 'json_schema', schema: numbers };
    const { content } = await client.messages.create({ ...asked, output_config: { format } });
    return Object.keys(JSON.parse(content[0].text)).join(',');
  },
};
