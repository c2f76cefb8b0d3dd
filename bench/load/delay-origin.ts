// An HTTPS origin that takes its time and no CPU. Its one argument is a JSON of port, middle, spread, cert and key. Its answer is
// `served=MICROSECONDS`, the time from when the request was there.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

interface Order {
  port: number
  middle: number
  spread: number
  cert: string
  key: string
}

const order: Order = JSON.parse(process.argv[2] ?? '')
const credentials = { cert: readFileSync(order.cert), key: readFileSync(order.key) }

const origin = createServer({ ...credentials, keepAliveTimeout: 3_600_000 }, (request, response) => {
  const from = performance.now()
  const delay = order.middle + (2 * Math.random() - 1) * order.spread
  request.resume()
  setTimeout(() => {
    const body = `served=${Math.round((performance.now() - from) * 1000)}\n`
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length })
    response.end(body)
  }, delay)
})
origin.listen(order.port, '127.0.0.1', 4096)
