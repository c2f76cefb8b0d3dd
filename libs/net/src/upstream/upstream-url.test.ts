import { describe, expect, it } from 'vitest'
import { hidePassword, parseUpstreamUrl } from './upstream-url.ts'

const shown = (text: string): string => {
  const { protocol, isSecure, label, credentials } = parseUpstreamUrl(text)
  const login =
    credentials && [credentials.username, credentials.password].map((bytes) => Buffer.from(bytes).toString())
  return [label, protocol, isSecure ? 'tls' : 'plain', ...(login ?? [])].join(' | ')
}

describe('the URL of a proxy', () => {
  it.each([
    ['http://proxy.example:3128', 'http://proxy.example:3128 | http | plain'],
    ['HTTP://Proxy.Example/', 'http://proxy.example:80 | http | plain'],
    ['https://proxy.example', 'https://proxy.example:443 | http | tls'],
    ['socks5://192.0.2.1', 'socks5://192.0.2.1:1080 | socks5 | plain'],
    ['socks5h://proxy:9050', 'socks5h://proxy:9050 | socks5 | plain'],
    ['socks5s://[2001:DB8::1]:443', 'socks5s://[2001:db8::1]:443 | socks5 | tls'],
    ['socks5://ada:p%40s%3as%2F@h:1', 'socks5://h:1 | socks5 | plain | ada | p@s:s/'],
    ['http://ada@h:1', 'http://h:1 | http | plain | ada | '],
    ['http://:pass@h:1', 'http://h:1 | http | plain |  | pass'],
    ['socks5://%D0%B8:%F0%9F%94%91@h:1', 'socks5://h:1 | socks5 | plain | и | 🔑'],
  ])('%s', (text, wanted) => {
    expect(shown(text)).toBe(wanted)
  })

  it.each([
    '',
    'proxy.example:3128',
    'ftp://h:1',
    'socks4://h:1',
    'http:h:1',
    'http://',
    'http://h:0',
    'http://h:65536',
    'http://h:x',
    'http://h:1/path',
    'http://h:1?x',
    'http://h:1#x',
    'socks5://h o:1',
    'socks5://ho%20st:1',
    'http://a%00b:c@h:1',
    'http://a%3ab:c@h:1',
    'http://a:%0d%0a@h:1',
    'http://a:%ff@h:1',
    'http://a:%zz@h:1',
    `socks5://${'a'.repeat(256)}:b@h:1`,
    `http://h:1/${'/'.repeat(3000)}`,
  ])('refused: %j', (text) => {
    expect(() => parseUpstreamUrl(text)).toThrow(
      new RangeError('not the URL of a proxy, such as socks5://user:password@host:1080'),
    )
  })

  it.each([
    ['http://ada:secret@h:1', 'http://ada:***@h:1'],
    ['http://ada:sec@ret@h:1', 'http://ada:***@h:1'],
    ['ada:secret@h', 'ada:***@h'],
    ['http:/ada:secret@h', 'http:***@h'],
    ['http://:secret@h', 'http://:***@h'],
    ['http://h:1', 'http://h:1'],
  ])('hides the password of %s', (text, hidden) => {
    expect(hidePassword(text)).toBe(hidden)
  })
})
