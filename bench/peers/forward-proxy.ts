// The plain forwarder that ours is measured against: `http.request` with kept connections, and `pipe` both ways. It
// takes any user and password, and drops the two fields that are for a proxy alone.
import { Agent, createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'

const agent = new Agent({ keepAlive: true })

const proxy = createServer((request, response) => {
  const target = new URL(request.url ?? '')
  const onward = httpRequest(
    {
      host: target.hostname,
      port: target.port,
      path: target.pathname,
      method: request.method,
      headers: fields(request),
      agent,
    },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(response)
    },
  )
  onward.on('error', () => response.destroy())
  request.pipe(onward)
})

function fields({ headers }: IncomingMessage): IncomingMessage['headers'] {
  const kept = { ...headers }
  delete kept['proxy-authorization']
  delete kept['proxy-connection']
  return kept
}

proxy.listen(Number(process.argv[2]), '127.0.0.1', 4096)
