import type { Conn } from '@sluice/net'
import { describe, expect, it } from 'vitest'
import type { Account } from './account.ts'
import type { Caller } from './request.ts'
import { sendProxyHeaders } from './send-proxy.ts'
import { memoryConn } from './testing/memory-conn.ts'

const caller: Caller = {
  account: {} as Account,
  client: { host: '198.51.100.7', port: 4000 },
  door: 'test',
  protocol: 'test',
}
const NEVER = new AbortController().signal

/** What a target at `host` is sent before anything else. */
const toldTo = async (
  host: string,
  sendProxy: 'v1' | 'v2' | undefined,
  sendProxyTo: string[],
): Promise<string> => {
  const { conn, far } = memoryConn(host, 443)
  const dial = sendProxyHeaders({ sendProxy, sendProxyTo })(() => Promise.resolve<Conn>(conn))
  await dial({ host: 'a.name', port: 443 }, NEVER, {}, caller)
  return far.text
}

describe('sendProxyHeaders', () => {
  it('tells the targets that are named, and nobody else', async () => {
    expect(await toldTo('203.0.113.7', 'v1', ['203.0.113.0/24'])).toMatch(
      /^PROXY TCP4 198\.51\.100\.7 203\.0\.113\.7 4000 443\r\n$/,
    )
    expect(await toldTo('203.0.113.7', 'v2', ['203.0.113.0/24'])).toMatch(/^\r\n\r\n\0\r\nQUIT\n!/)
    expect(await toldTo('203.0.114.7', 'v2', ['203.0.113.0/24'])).toBe('')
    expect(await toldTo('203.0.113.7', undefined, [])).toBe('')
  })

  it.each([
    ['v1', []],
    [undefined, ['10.0.0.0/8']],
  ] as const)('refuses the half of it: %s, %j', (sendProxy, sendProxyTo) => {
    expect(() => sendProxyHeaders({ sendProxy, sendProxyTo: [...sendProxyTo] })).toThrow(
      '--send-proxy and --send-proxy-to want each other',
    )
  })
})
