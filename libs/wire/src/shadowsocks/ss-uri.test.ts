import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../testing/code-of.ts'
import { encodeSsUri, parseSsUri, type SsServer } from './ss-uri.ts'

const address = { host: '192.168.100.1', port: 8888 }
const example = { method: 'aes-128-gcm', secret: 'test', address }

// SIP002 and, the last one, the page of the older form.
const PUBLISHED: readonly [uri: string, server: SsServer][] = [
  ['ss://YWVzLTEyOC1nY206dGVzdA@192.168.100.1:8888#Example1', { ...example, tag: 'Example1' }],
  [
    'ss://cmM0LW1kNTpwYXNzd2Q@192.168.100.1:8888/?plugin=obfs-local%3Bobfs%3Dhttp#Example2',
    {
      method: 'rc4-md5',
      secret: 'passwd',
      address,
      tag: 'Example2',
      plugin: { name: 'obfs-local', options: 'obfs=http' },
    },
  ],
  [
    'ss://2022-blake3-aes-256-gcm:YctPZ6U7xPPcU%2Bgp3u%2B0tx%2FtRizJN9K8y%2BuKlW2qjlI%3D@192.168.100.1:8888#Example3',
    {
      method: '2022-blake3-aes-256-gcm',
      secret: 'YctPZ6U7xPPcU+gp3u+0tx/tRizJN9K8y+uKlW2qjlI=',
      address,
      tag: 'Example3',
    },
  ],
]

describe('a URI of SIP002', () => {
  it.each(PUBLISHED)('%s', (uri, server) => {
    expect(parseSsUri(uri)).toEqual(server)
    expect(encodeSsUri(server)).toBe(uri)
  })

  it.each<[uri: string, server: SsServer]>([
    [
      'ss://Y2hhY2hhMjAtaWV0Zi1wb2x5MTMwNTp0ZXN0LyFAIzpAMTkyLjE2OC4xMDAuMTo4ODg4#Old%20one',
      { method: 'chacha20-ietf-poly1305', secret: 'test/!@#:', address, tag: 'Old one' },
    ],
    ['ss://YWVzLTEyOC1nY206dGVzdA==@192.168.100.1:8888', example],
    ['ss://YWVzLTEyOC1nY206dGVzdA%3D%3D@192.168.100.1:8888/', example],
    ['SS://aes-128-gcm:test@192.168.100.1:8888/?other=1&plugin=', example],
    ['ss://aes-128-gcm%3Ate%3Ast@192.168.100.1:8888#', { ...example, secret: 'te:st', tag: '' }],
    ['ss://bm9uZTo/QDE5Mi4xNjguMTAwLjE6ODg4OA==', { method: 'none', secret: '?', address }],
    ['ss://bm9uZTo_Pz_wn5iA@192.168.100.1:8888', { method: 'none', secret: '???😀', address }],
    ['ss://bm9uZTo/Pz/wn5iA@192.168.100.1:8888', { method: 'none', secret: '???😀', address }],
  ])('is also read as %s', (uri, server) => {
    expect(parseSsUri(uri)).toEqual(server)
  })

  it('puts IPv6 in brackets, a tag in percent-encoding, and says both keys', () => {
    const server = {
      method: '2022-blake3-aes-128-gcm',
      secret: 'AAECAwQFBgcICQoLDA0ODw==:QEFCQ0RFRkdISUpLTE1OTw==',
      address: { host: '2001:db8::1', port: 1 },
      tag: `it's / 東京 #1`,
    }
    const uri = encodeSsUri(server)
    expect(uri).toBe(
      'ss://2022-blake3-aes-128-gcm:AAECAwQFBgcICQoLDA0ODw%3D%3D%3AQEFCQ0RFRkdISUpLTE1OTw%3D%3D@[2001:db8::1]:1' +
        '#it%27s%20%2F%20%E6%9D%B1%E4%BA%AC%20%231',
    )
    expect(parseSsUri(uri)).toEqual(server)
  })

  it('keeps apart the name and the options of a plugin, whatever stands in them', () => {
    const plugin = { name: 'C:\\a;b=c', options: String.raw`path=/a\;b\=c\\;tls` }
    const uri = encodeSsUri({ ...example, plugin })
    expect(decodeURIComponent(uri)).toContain(String.raw`/?plugin=C:\\a\;b\=c;path=/a\;b\=c\\;tls`)
    expect(parseSsUri(uri).plugin).toEqual(plugin)
    expect(parseSsUri(encodeSsUri({ ...example, plugin: { name: 'p', options: '' } })).plugin).toEqual({
      name: 'p',
      options: '',
    })
  })

  it.each([
    ['http://a:b@c:1', 'WIRE_SCHEME'],
    ['', 'WIRE_SCHEME'],
    [`ss://${'a'.repeat(5000)}`, 'WIRE_TOO_LONG'],
    ['ss://', 'WIRE_SYNTAX'],
    ['ss://s3cret!', 'WIRE_SYNTAX'],
    ['ss://YWVzLTEyOC1nY206dGVzdA', 'WIRE_SYNTAX'],
    ['ss://@a:1', 'WIRE_SYNTAX'],
    ['ss://s3cret@a:1', 'WIRE_SYNTAX'],
    ['ss://:s3cret@a:1', 'WIRE_SYNTAX'],
    ['ss://a:%s3cret@a:1', 'WIRE_SYNTAX'],
    ['ss://a:s3cret@a:1#%', 'WIRE_SYNTAX'],
    ['ss://a:s3cret@a:1?plugin=;a', 'WIRE_SYNTAX'],
    ['ss://a:s3cret@a', 'WIRE_ADDRESS'],
    ['ss://a:s3cret@a:65536', 'WIRE_ADDRESS'],
    ['ss://a:s3cret@::1:1', 'WIRE_ADDRESS'],
    ['ss://a:s3cret@a b:1', 'WIRE_ADDRESS'],
  ])('is not %s', (uri, code) => {
    expect(codeOf(() => parseSsUri(uri))).toBe(code)
    expect(() => parseSsUri(uri)).not.toThrow(/s3cret/)
  })

  it('is not made of what could not be read', () => {
    expect(codeOf(() => encodeSsUri({ ...example, address: { host: 'a/b', port: 1 } }))).toBe('WIRE_ADDRESS')
    expect(codeOf(() => encodeSsUri({ ...example, address: { host: 'a', port: -1 } }))).toBe('WIRE_ADDRESS')
    expect(codeOf(() => encodeSsUri({ ...example, method: 'a:b' }))).toBe('WIRE_VALUE')
    expect(codeOf(() => encodeSsUri({ ...example, plugin: { name: '', options: 'a' } }))).toBe('WIRE_VALUE')
  })

  it('is read as it was written', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 }).map((each) => each.toWellFormed())
    const servers = fc.record({
      method: fc.constantFrom('aes-128-gcm', 'none', '2022-blake3-aes-128-gcm'),
      secret: text,
      address: fc.record({ host: fc.constantFrom('a.example', '127.0.0.1', '::1'), port: fc.nat(65_535) }),
      tag: text,
    })
    fc.assert(
      fc.property(servers, (server) => {
        expect(parseSsUri(encodeSsUri(server))).toEqual(server)
      }),
    )
  })

  it('or a WireError, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (text) => {
        codeOf(() => parseSsUri(`ss://${text}`))
      }),
    )
  })
})
