const numbers = { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer' } } };

export const actions = {
  ask: async () => (await model.generateContent('hello')).response.text(),
  stream: async () => {
    let said = '';
    for await (const piece of (await model.generateContentStream('hello')).stream) said += piece.text();
    return said;
  },
  tools: async () => {
    const tools = [{ functionDeclarations: [{ name: 'multiply', parameters: numbers }] }];
    const contents = [{ role: 'user', parts: [{ text: '6 times 7?' }] }];
    const { response } = await model.generateContent({ contents, tools });
    return (response.functionCalls() ?? []).map((call) => call.name).join(',');
  },
  structured: async () => {
    const generationConfig = { responseMimeType: 'application/json', responseSchema: numbers };
    const contents = [{ role: 'user', parts: [{ text: 'numbers?' }] }];
    const { response } = await model.generateContent({ contents, generationConfig });
    return Object.keys(JSON.parse(response.text())).join(',');
  },
  embed: async () => {
    const embedder = google.getGenerativeModel({ model: 'gemini-embedding-001' }, through);
    return (await embedder.embedContent('hello')).embedding.values.length;
  },
};
