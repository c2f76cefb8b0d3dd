import { ServiceError } from '@sluice/service'
import { WireError } from '@sluice/wire'
import { readPreamble } from '../../../apps/https-proxy/src/api/asked.ts'
import { RequestError } from '../../../apps/https-proxy/src/api/request-error.ts'
import { readCompatRequest } from '../../../apps/https-proxy/src/compat/compat-request.ts'
import { formatTraceparent, parseTraceparent } from '../../../apps/https-proxy/src/trace-context.ts'
import type { FuzzedParser } from './parsers.ts'

type Wish = Pick<ReturnType<typeof readPreamble>, 'method' | 'url' | 'fields' | 'redirects'>
const refusals = [RequestError, WireError]
const REDIRECTS = 5
/** What such requests cannot say. */
const NO_WISH = { redirects: 0, priority: 1 }

/** What must never be asked of an origin. */
const wishFlaw = ({ method, url, fields, redirects }: Wish): string | undefined => {
  if (!/^https?:$/.test(url.protocol) || url.host === '') return `goes to ${url.href}`
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(method) || method === 'CONNECT') return `asks with ${method}`
  if (redirects < 0 || redirects > REDIRECTS) return `follows ${redirects} redirects`
  const bad = fields.find(([name, value]) => !/^[^\s:]+$/.test(name) || /[\0\r\n]/.test(value))
  return bad && `passes on ${JSON.stringify(bad)}`
}

/** What https-proxy reads. */
export const httpsParsers: readonly FuzzedParser[] = [
  {
    name: 'traceparent',
    parse: parseTraceparent,
    refusals: [],
    format: formatTraceparent,
    sample: [
      '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff-more',
    ],
  },
  {
    name: 'API preamble',
    parse: (text): Wish => readPreamble(text, REDIRECTS),
    refusals,
    flaw: wishFlaw,
    sample: [
      '{"url":"https://example.com/a?b","method":"POST","headers":[["A","b"],["A","c"]],"redirects":5,"priority":"low"}',
      '{"url":"http://[::1]:80","headers":[["Connection","X-A"],["X-A","1"],["Host","b"]]}',
    ],
  },
  {
    name: 'compat request',
    parse: (text): Wish => ({ ...NO_WISH, ...readCompatRequest(Buffer.from(text)) }),
    refusals: [ServiceError],
    flaw: wishFlaw,
    sample: [
      '{"url":"https://a:b@example.com/","headers":{"A":"b"},"post_data":"hello"}',
      '{"url":"http://a"}',
    ],
  },
]
