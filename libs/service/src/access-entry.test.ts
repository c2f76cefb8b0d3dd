import { describe, expect, it } from 'vitest'
import { type AccessEntry, accessLine } from './access-entry.ts'

const TUNNEL: AccessEntry = {
  at: 1_795_244_317_384,
  ms: 3037,
  door: 'socks',
  client: { host: '198.51.100.7', port: 54_734 },
  user: 'alice',
  method: 'CONNECT',
  url: 'example.com:443',
  status: 200,
  code: 'OK',
  up: 1823,
  down: 500_495,
  peer: '203.0.113.9',
}
const line = (changes: Partial<AccessEntry>, format: 'json' | 'squid' = 'squid'): string =>
  accessLine({ ...TUNNEL, ...changes }, format)

describe('a line of JSON', () => {
  it('has all of it, with its own names and units', () => {
    expect(line({ client: { host: '2001:db8::1', port: 7 } }, 'json')).toBe(
      '{"time":1795244317384,"door":"socks","user":"alice","client":"[2001:db8::1]:7","method":"CONNECT",' +
        '"url":"example.com:443","status":200,"code":"OK","up":1823,"down":500495,"ms":3037,"peer":"203.0.113.9"}\n',
    )
  })

  it('has the name of the request, where it has one', () => {
    expect(line({ id: 'r1' }, 'json')).toMatch(/^\{"time":1795244317384,"id":"r1","door":/)
  })
})

describe('a line of Squid', () => {
  it('is what its readers take apart at blanks', () => {
    expect(line({})).toBe(
      '1795244317.384   3037 198.51.100.7 TCP_TUNNEL/200 500495 CONNECT example.com:443 alice HIER_DIRECT/203.0.113.9 -\n',
    )
  })

  it('names the proxy that a way through an upstream begins with', () => {
    expect(line({ upstream: 'default', peer: '192.0.2.8' })).toContain(' FIRSTUP_PARENT/192.0.2.8 ')
    expect(line({ upstream: 'default' }, 'json')).toContain('"peer":"203.0.113.9","upstream":"default"')
  })

  const nobody = { user: undefined, method: undefined, url: undefined, peer: undefined }
  it.each([
    [{ code: 'IDLE_TIMEOUT' }, 'TCP_TUNNEL_TIMEDOUT/200'],
    [{ code: 'TARGET_RESET' }, 'TCP_TUNNEL_ABORTED/200'],
    [{ code: 'QUOTA_EXCEEDED' }, 'TCP_TUNNEL_ABORTED/200'],
    [{ code: 'QUOTA_EXCEEDED', status: 429 }, 'TCP_DENIED/429'],
    [{ code: 'TARGET_DENIED', status: 403 }, 'TCP_DENIED/403'],
    [{ code: 'DIAL_REFUSED', status: 502 }, 'TCP_TUNNEL/502'],
    [{ ...nobody, code: 'AUTH_FAILED', status: 407 }, 'TCP_DENIED/407'],
    [{ ...nobody, code: 'HANDSHAKE_INVALID', status: 400 }, 'NONE_NONE/400'],
    [{ method: 'GET', url: 'http://a/', type: 'text/html' }, 'TCP_MISS/200'],
    [{ method: 'GET', url: 'http://a/', status: 403 }, 'TCP_MISS/403'],
    [{ method: 'GET', url: 'http://a/', code: 'CLIENT_RESET' }, 'TCP_MISS_ABORTED/200'],
  ] as const)('%o is %s', (changes, result) => {
    expect(line(changes).split(' ').filter(Boolean)[3]).toBe(result)
  })

  it('names what went wrong where there was nothing to ask for', () => {
    expect(line({ ...nobody, code: 'AUTH_FAILED', status: 407, down: 0 })).toBe(
      '1795244317.384   3037 198.51.100.7 TCP_DENIED/407 0 - error:auth-failed - HIER_NONE/- -\n',
    )
  })

  it('keeps ten fields and one line, whatever clients send', () => {
    const odd = line({
      user: 'Åsa b\n1',
      url: 'http://x/a b\u2028c\u001b\ud800',
      method: 'G T',
      type: 'text/html; charset=x',
    })
    expect(odd.trimEnd().split(/\s+/)).toHaveLength(10)
    expect(odd).toMatch(/^[ -~]*\n$/)
    expect(odd).toContain(' http://x/a%20b%E2%80%A8c%1B%EF%BF%BD %C3%85sa%20b%0A1 ')
    expect(odd).toContain(' text/html\n')
  })
})
