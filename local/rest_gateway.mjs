// Serves PostgREST under /rest/v1, the path at which Supabase serves it. Arguments: own port, PostgREST's port.
import { createServer, request } from "node:http";

const [port, target] = process.argv.slice(2).map(Number);
const PREFIX = "/rest/v1";

const server = createServer((incoming, outgoing) => {
  if (!incoming.url.startsWith(PREFIX)) {
    outgoing.writeHead(404).end();
    return;
  }
  const path = incoming.url.slice(PREFIX.length) || "/";
  const forwarded = request(
    { host: "127.0.0.1", port: target, path, method: incoming.method, headers: incoming.headers },
    (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    },
  );
  // PostgREST may go away in the middle of an answer.
  forwarded.on("error", () => (outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(503).end()));
  incoming.pipe(forwarded);
});

process.stdin.on("end", () => process.exit(0)).resume();
server.listen(port, "127.0.0.1");
