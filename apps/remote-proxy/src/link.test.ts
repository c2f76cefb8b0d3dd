import { expect, test } from 'vitest'
import { curlLines, link } from './link.ts'

test('a line for each protocol, whose odd characters mean nothing to shell and URL', () => {
  const listeners = { socks: { host: '::1', port: 1 }, http: { host: 'proxy.example', port: 2 } }
  expect(curlLines("it's", 'a:b/@ %é', listeners)).toEqual([
    `curl --proxy 'socks5h://it'\\''s:a%3Ab%2F%40%20%25%C3%A9@[::1]:1' https://example.com/`,
    `curl --proxy 'http://it'\\''s:a%3Ab%2F%40%20%25%C3%A9@proxy.example:2' https://example.com/`,
  ])
})

test('the addresses are those of the flags, or the defaults', () => {
  expect(link('ada', 'x', ['--socks=proxy.example:9'])).toEqual([
    `curl --proxy 'socks5h://ada:x@proxy.example:9' https://example.com/`,
    `curl --proxy 'http://ada:x@127.0.0.1:8889' https://example.com/`,
  ])
})
