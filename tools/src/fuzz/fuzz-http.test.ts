import { expect, it } from 'vitest'
import { fuzzHttpCases } from './fuzz-http.ts'
import { NodeHttp, ourRequests, ourResponse } from './http-oracle.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

it('finds no message in 10,000 cases that Node reads otherwise', async () => {
  let said = ''
  const say = (line: string): void => void (said = line)
  expect(await fuzzHttpCases({ seed: 1, say }, (cases) => cases < 10_000)).toEqual([])
  expect(Number(/took (\d+)/.exec(said)?.[1])).toBeGreaterThan(4000)
})

it('has an oracle that sees messages, bodies and refusals', async () => {
  const node = new NodeHttp()
  const text =
    'POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n' +
    'PUT http://b/ HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\nok'
  const wanted = [
    { start: 'POST http://a/', size: 5 },
    { start: 'PUT http://b/', size: 2 },
  ]
  expect(await node.requests(bytes(text))).toEqual(wanted)
  expect(ourRequests(bytes(text))).toEqual(wanted)
  const both = text.replace('Host: b', 'Host: b\r\nTransfer-Encoding: chunked')
  expect(await node.requests(bytes(both))).toEqual([wanted[0]])
  expect(ourRequests(bytes(both))).toEqual([wanted[0]])
  const response = bytes('HTTP/1.1 200 OK\r\n\r\nhello')
  expect(await node.response(response, 'GET')).toEqual({ start: '200', size: 5 })
  expect(ourResponse(response, 'GET')).toEqual({ start: '200', size: 5 })
})
