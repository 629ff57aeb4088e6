// Stands beside the Workers under test: puts texts on the telemetry queue, and is the webhook. What it is told lives in
// a module variable: one isolate, one run.
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
    return Response.json({ told });
  },
};
