import { hostname, tmpdir } from 'node:os'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { curlLines, link, proxyUrls } from './link.ts'

const listeners = { socks: { host: '::1', port: 1 }, http: { host: 'proxy.example', port: 2 } }

test('a line for each protocol, whose odd characters mean nothing to shell and URL', () => {
  const login = 'it%27s%21:a%3Ab%2F%40%20%25%C3%A9'
  expect(curlLines("it's!", 'a:b/@ %é', listeners)).toEqual([
    `curl --proxy 'socks5h://${login}@[::1]:1' https://example.com/`,
    `curl --proxy 'http://${login}@proxy.example:2' https://example.com/`,
    `curl --proxy 'http://${login}@proxy.example:2' http://example.com/`,
    `curl --proxy 'socks4a://${login.replace(':', '%3A')}@[::1]:1' https://example.com/`,
  ])
  const {
    username,
    password,
    hostname: host,
  } = new URL(proxyUrls("it's!", 'a:b/@ %é', listeners)['http'] ?? '')
  expect([decodeURIComponent(username), decodeURIComponent(password), host]).toEqual([
    "it's!",
    'a:b/@ %é',
    'proxy.example',
  ])
})

test('a TLS listener has a URL too', () => {
  const tls = { host: '2001:db8::1', port: 3 }
  expect(proxyUrls('ada', 'x', { ...listeners, tls })).toEqual({
    socks5h: 'socks5h://ada:x@[::1]:1',
    http: 'http://ada:x@proxy.example:2',
    https: 'https://ada:x@[2001:db8::1]:3',
  })
})

test('so has one that is set up', () => {
  const { urls, json } = link('ada', 'x', ['--tls=0.0.0.0:8443', '--http=127.0.0.1:1', '--socks=127.0.0.1:2'])
  expect(urls['https']).toBe(`https://ada:x@${hostname()}:8443`)
  expect(JSON.stringify(json)).toContain(`curl --proxy '${urls['https']}' https://example.com/`)
})

test.each(['0.0.0.0', '[::]'])('every interface, %s, is shown as the name of the machine', (host) => {
  const { urls } = link('ada', 'x', [`--http=${host}:9`, '--socks=127.0.0.1:8'])
  expect(urls).toEqual({ socks5h: 'socks5h://ada:x@127.0.0.1:8', http: `http://ada:x@${hostname()}:9` })
})

test('the addresses are those of the flags, the file, or the defaults', () => {
  const urls = { socks5h: 'socks5h://ada:x@proxy.example:9', http: 'http://ada:x@127.0.0.1:8889' }
  const curl = curlLines('ada', 'x', {
    socks: { host: 'proxy.example', port: 9 },
    http: { host: '127.0.0.1', port: 8889 },
  })
  const env = [
    `export http_proxy='${urls.http}'`,
    `export https_proxy='${urls.http}'`,
    `export all_proxy='${urls.socks5h}'`,
  ]
  expect(link('ada', 'x', ['--socks=proxy.example:9'])).toEqual({
    urls,
    json: { curl, env },
    lines: [...Object.values(urls), '', ...curl, '', ...env],
  })
  const file = join(tmpdir(), `link-${process.pid}.yaml`)
  writeFileSync(file, 'http: proxy.example:7\n')
  expect(link('ada', 'x', [`--config=${file}`]).urls['http']).toBe('http://ada:x@proxy.example:7')
})
