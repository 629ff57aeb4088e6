// Runs Workers through miniflare's API: reads one JSON configuration file, writes one JSON file when they answer,
// serves a control port for tests and seeding, and ends when its standard input does (the supervisor has gone).
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { Log, LogLevel, Miniflare } from "miniflare";

const config = JSON.parse(readFileSync(process.argv[2], "utf8"));

for (const worker of config.workers) {
  for (const module of worker.modules) {
    // miniflare takes contents, not files: text for scripts, bytes for data
    if (module.file) module.contents = readFileSync(module.file, module.type === "Data" ? undefined : "utf8");
    delete module.file;
  }
}

const miniflare = new Miniflare({
  host: "127.0.0.1",
  cf: false,
  port: config.port,
  inspectorPort: config.inspectorPort || undefined,
  log: new Log(LogLevel.WARN),
  kvPersist: config.state && `${config.state}/kv`,
  durableObjectsPersist: config.state && `${config.state}/do`,
  workers: config.workers,
});

async function stop() {
  await miniflare.dispose();
  process.exit(0);
}
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, stop);
process.stdin.on("end", stop).resume();

const [edge] = config.workers;

async function kvOf() {
  const keeper = config.workers.find((worker) => worker.kvNamespaces?.AGENTWATCH_KV);
  return miniflare.getKVNamespace("AGENTWATCH_KV", keeper.name);
}

const control = {
  async "PUT /kv"(query, body) {
    await (await kvOf()).put(query.get("key"), body);
  },
  async "GET /kv"(query) {
    return { value: await (await kvOf()).get(query.get("key")) };
  },
  async "GET /kv/keys"(query) {
    const { keys } = await (await kvOf()).list({ prefix: query.get("prefix") });
    return keys.map((key) => key.name);
  },
  async "POST /evict"(query) {
    await miniflare.unsafeEvictDurableObject(edge.name, query.get("class"), { name: query.get("name") });
  },
  async "POST /scheduled"(query) {
    const worker = await miniflare.getWorker(query.get("worker"));
    return worker.scheduled({ cron: query.get("cron") });
  },
};

function readBody(request) {
  return new Promise((resolve) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => resolve(Buffer.concat(chunks).toString()));
  });
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://control");
  const action = control[`${request.method} ${url.pathname}`];
  if (request.headers.authorization !== `Bearer ${config.controlSecret}` || !action) {
    response.writeHead(action ? 401 : 404).end();
    return;
  }
  try {
    const result = await action(url.searchParams, await readBody(request));
    response.end(JSON.stringify(result ?? {}));
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
});

try {
  await miniflare.ready;
} catch (error) {
  process.stderr.write(`${error?.stack ?? error}\n`);
  process.exit(1);
}
server.listen(0, "127.0.0.1", async () => {
  const urls = {};
  for (const worker of config.workers) {
    if (worker.unsafeDirectSockets) urls[worker.name] = (await miniflare.unsafeGetDirectURL(worker.name)).href;
  }
  writeFileSync(`${config.readyFile}.part`, JSON.stringify({ control: server.address().port, urls }));
  renameSync(`${config.readyFile}.part`, config.readyFile);
});
