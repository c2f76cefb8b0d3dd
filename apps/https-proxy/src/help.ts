import type { Example } from '@sluice/service'

/** What `--help` says about the program, beside its flags and commands. */
export const description: readonly string[] = [
  'Requests wait in a bounded queue for one of a number of slots, and go from there to their origins. The queue is fair to ' +
    'users, and to the clients of each; what cannot be served is told so at once. A slot is a request under way, and ' +
    'needs no thread.',
  'One listener takes them as an ordinary HTTP proxy does (absolute-form and CONNECT), and by an API in origin-form, of ' +
    'which GET /openapi.json tells. --compat takes the frames of old clients, on a listener of its own.',
  'The words without a flag are settings by their place: port and address are --listen, connections --max-connections, ' +
    'queue --queue, slots --slots, queue timeout --queue-timeout, request timeout --request-timeout.',
  'On loopback without any user everybody may come in. Elsewhere somebody has to be a user, whose limits hold over all ' +
    'connections, or the proxy is --open.',
  'Rates and sizes: KB is 1,000 bytes, KiB 1,024; bare numbers are bytes, of rates in a second. Times are seconds, or ' +
    'have a unit: 500ms, 2m, 1h.',
]

export const examples: readonly Example[] = [
  { does: 'Serve this machine:', line: 'https-proxy 8888 127.0.0.1' },
  { does: 'Add a user, and serve everywhere:', line: 'https-proxy user add alice && https-proxy' },
  {
    does: 'Serve everybody, 100,000 clients at a time, 500 requests under way:',
    line: 'https-proxy 8888 0.0.0.0 100000 500000 500 30.0 30.0 --open',
  },
]
