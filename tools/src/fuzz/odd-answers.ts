import { Dice } from './dice.ts'
import { mutate } from './mutation.ts'

const PROPER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

const ANSWERS = [
  PROPER,
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n',
  'HTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n',
  'HTTP/1.1 302 Found\r\nLocation: /fuzz\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 307 Temporary Redirect\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: text/plain; charset=utf-16\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nVary: X-A\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort',
  'HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.0 200 OK\r\n\r\nuntil the end',
  '\x15\x03\x01\x00\x02\x02\x28',
]

/** What an origin says that is not quite right; to requests for other paths than `/fuzz` that all is well. */
export const oddAnswers = (seed: number): ((request: string) => string | Uint8Array) => {
  const dice = new Dice(seed)
  return (request) => {
    if (!/^[A-Z]+ \/fuzz/.test(request)) return PROPER
    const answer = dice.pick(ANSWERS)
    return dice.once(2) ? mutate(dice, Buffer.from(answer, 'latin1')) : answer
  }
}
