// An adapter for eventsource-parser. Run it in the folder whose node_modules contains the package.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.cwd() + "/");
const { createParser } = require("eventsource-parser");
const name = `eventsource-parser ${require("eventsource-parser/package.json").version}`;

for await (const line of createInterface({ input: process.stdin })) {
  const { chunks, limit } = JSON.parse(line);
  const answer = { parser: name, events: [], retry: null, limited: limit !== undefined };
  const parser = createParser({
    maxBufferSize: limit,
    onEvent: ({ event = "message", data, id = null }) =>
      answer.events.at(-1).push({ type: event, data, last_event_id: id }),
    onRetry: (milliseconds) => (answer.retry = milliseconds),
    onError: ({ type, message }) => type === "max-buffer-size-exceeded" && (answer.error = message),
  });
  const decoder = new TextDecoder();
  const stream = chunks.map((chunk) => Buffer.from(chunk, "base64"));
  const begin = process.cpuUsage(); // not the wall clock, which depends on the machine's load
  for (const chunk of stream) {
    answer.events.push([]);
    parser.feed(decoder.decode(chunk, { stream: true }));
    if (answer.error) break;
  }
  const { user, system } = process.cpuUsage(begin);
  answer.seconds = (user + system) / 1e6;
  console.log(JSON.stringify(answer));
}
