import { hostname } from 'node:os'
import { expect, it } from 'vitest'
import { curlLines, getLine, link } from './link.ts'

it('is a line for each way, whose odd characters mean nothing to shell and URL', () => {
  const login = 'it%27s%21:a%3Ab%2F%40%20%25%C3%A9'
  const listeners = { proxy: { host: '::1', port: 1 }, tls: { host: 'proxy.example', port: 2 } }
  expect(curlLines("it's!", 'a:b/@ %é', listeners)).toEqual([
    `curl --proxy 'http://${login}@[::1]:1' https://example.com/`,
    `curl --proxy 'https://${login}@proxy.example:2' https://example.com/`,
    `curl --json '{"url":"https://example.com/"}' 'http://${login}@[::1]:1/v1/requests'`,
  ])
})

it('is a line for the client of the program, for a shell', () => {
  const client = { program: 'node main.mjs', name: "it's", password: 'a$b', proxy: { host: '::1', port: 1 } }
  expect(getLine(client)).toBe(
    String.raw`SLUICE_PASSWORD='a$b' node main.mjs get https://example.com/ GET ::1 1 --user 'it'\''s'`,
  )
})

it('leads where the program would listen, be it said by flags or without', () => {
  const { urls, lines, json } = link('ada', 'x', ['9999', '127.0.0.1', '--tls', '0.0.0.0:8443'])
  expect(urls).toEqual({
    http: 'http://ada:x@127.0.0.1:9999',
    https: `https://ada:x@${hostname()}:8443`,
  })
  expect(json).toMatchObject({
    env: [expect.any(String), "export https_proxy='http://ada:x@127.0.0.1:9999'"],
  })
  expect(lines[0]).toBe('http://ada:x@127.0.0.1:9999')
})
