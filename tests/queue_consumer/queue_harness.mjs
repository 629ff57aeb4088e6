// Stands beside the Workers under test: puts texts on the telemetry queue, keeps what lands on the dead-letter
// queue, and is the webhook. What it keeps lives in a module variable: one isolate, one run.
const buried = [];
const told = [];

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/send") {
      const texts = await request.json();
      await env.TELEMETRY_QUEUE.sendBatch(texts.map((body) => ({ body, contentType: "text" })));
      return new Response();
    }
    if (pathname === "/webhook") {
      told.push(await request.json());
      return new Response("ok");
    }
    return Response.json({ buried, told });
  },
  async queue(batch) {
    buried.push(...batch.messages.map((message) => message.body));
  },
};
