import { hex } from './hex.ts'

const random = '"abcdefghijklmnopqrstuvwxyz012345"'
/** TLS 1.2 in words, two cipher suites, no compression; ALPN, a server name, an extension of nothing. */
const extensions = `00 10 00 05 00 03 02 "h2"  00 00 00 10 00 0e 00 00 0b "Example.com"  00 17 00 00`
const body = `03 03 ${random} 04 01 02 03 04 00 04 13 01 13 02 01 00 00 21 ${extensions}`
const message = `01 00 00 52 ${body}`

/** For `example.com`. */
export const CLIENT_HELLO: Uint8Array = hex(`16 03 01 00 56 ${message}`)

/** The same in two records, the first of which ends within the header of the message. */
export const CLIENT_HELLO_IN_TWO: Uint8Array = Buffer.concat([
  hex('16 03 01 00 03'),
  CLIENT_HELLO.subarray(5, 8),
  hex('16 03 03 00 53'),
  CLIENT_HELLO.subarray(8),
])
