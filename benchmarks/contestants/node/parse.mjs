// Parses for benchmarks/contestants/node.py. Each line of standard input is a request in JSON; each
// line of standard output is its answer in JSON. It ends when standard input ends.
//
// {"stream": base64, "sizes": [bytes, ...]}               -> {"data": [the data of each event]}
// {"stream": base64, "sizes": [bytes, ...], "times": n, "read": whether to read type and data}
//                                                        -> {"seconds": of n parses}

import {createInterface} from 'node:readline'
import {createParser} from 'eventsource-parser'

function parse(chunks, onEvent) {
  const decoder = new TextDecoder()
  const parser = createParser({onEvent})
  for (const chunk of chunks) parser.feed(decoder.decode(chunk, {stream: true}))
}

function answer({stream, sizes, times, read}) {
  const bytes = Buffer.from(stream, 'base64')
  let start = 0
  const chunks = sizes.map((size) => bytes.subarray(start, (start += size)))
  if (times === undefined) {
    const data = []
    parse(chunks, (event) => data.push(event.data))
    return {data}
  }
  let events = 0
  let type, data
  const count = read
    ? (event) => {
        events++
        type = event.event
        data = event.data
      }
    : () => void events++
  parse(chunks, count)
  const once = events
  // V8 compiles code that has run for a while.
  for (const end = performance.now() + 100; performance.now() < end; ) parse(chunks, count)
  events = 0
  globalThis.gc?.()
  const before = process.cpuUsage()
  for (let time = 0; time < times; time++) parse(chunks, count)
  const {user, system} = process.cpuUsage(before)
  if (events !== once * times) throw new Error(`${events} events, not ${once * times}`)
  if (read && once && data === undefined) throw new Error('nothing was read')
  return {seconds: (user + system) / 1e6}
}

for await (const line of createInterface({input: process.stdin})) {
  process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + '\n')
}
