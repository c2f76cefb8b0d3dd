import type { Decode } from '../decode.ts'
import { decodeClientHello } from '../client-hello.ts'
import { decodeCompatHead, decodeCompatRequest, decodeCompatResponse } from '../compat/frame.ts'
import { ChunkedScan } from '../http-chunked.ts'
import { decodeRequestHead, decodeResponseHead } from '../http-head.ts'
import { decodePreamble } from '../preamble.ts'
import { decodeProxyHeader } from '../proxy-protocol/codec.ts'
import { decodeSocksAddress } from '../socks-address.ts'
import { decodeSocks4Reply, decodeSocks4Request } from '../socks4.ts'
import {
  decodeGreeting,
  decodeMethod,
  decodeReply,
  decodeRequest,
  decodeUserPass,
  decodeUserPassStatus,
} from '../socks5.ts'
import { decodeSocksDatagram } from '../socks5-udp.ts'
import { decodeSumbit } from '../sumbit.ts'
import { bridgeCodecs } from './bridge-codecs.ts'
import { CLIENT_HELLO, CLIENT_HELLO_IN_TWO } from './client-hello-vectors.ts'
import { EMPTY, MAGIC, REQUEST, RESPONSE } from './compat-vectors.ts'
import { hex } from './hex.ts'
import { npcCodecs } from './npc-codecs.ts'
import { decodeEarlyFrame, decodeRelayFrame, earlySamples, frameSamples } from './relay-codecs.ts'
import { countUp, ssRequestCodecs } from './ss-codecs.ts'

/** A decoder and valid inputs of it, each one whole value and nothing behind it: where a fuzzer starts from. */
export interface Codec<T = unknown> {
  readonly name: string
  readonly decode: Decode<T>
  readonly sample: readonly Uint8Array[]
}

const name255 = `03 ff "${'a'.repeat(63)}.${'b'.repeat(191)}"`
const proxyV2 = '0d 0a 0d 0a 00 0d 0a "QUIT" 0a'
const requestHead = [
  String.raw`"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"`,
  String.raw`"GET http://a/ HTTP/1.0\r\n\r\n"`,
  String.raw`"CONNECT [::1]:443 HTTP/1.1\r\nhost:\t [::1]:443 \t\r\nX:\r\nX: \u00e9 \"\r\nProxy-Authorization: Basic dTpw\r\n\r\n"`,
]
const responseHead = [
  String.raw`"HTTP/1.1 200 Connection established\r\n\r\n"`,
  String.raw`"HTTP/1.0 407 \r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n"`,
  String.raw`"HTTP/1.1 204\r\n\r\n"`,
]

/** The size of a chunked body, as a decoder, so that it can be held to their laws. */
export const measureChunked: Decode<number> = (bytes) => {
  const scan = new ChunkedScan()
  const size = scan.scan(bytes, 0)
  return scan.ended ? { value: size, size } : undefined
}

/** Every `decode…` of this library. */
export const codecs: readonly Codec[] = [
  { name: 'client hello', decode: decodeClientHello, sample: [CLIENT_HELLO, CLIENT_HELLO_IN_TWO] },
  codec('socks address', decodeSocksAddress, [
    '01 7f 00 00 01 1f 90',
    '04 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 01 bb',
    '04 00 00 00 00 00 00 00 00 00 00 ff ff 7f 00 00 01 00 00',
    '03 0b "example.com" 00 50',
    '03 03 "::1" 00 50',
    `${name255} ff ff`,
  ]),
  codec('socks4 request', decodeSocks4Request, [
    '04 01 00 50 7f 00 00 01 00',
    '04 02 00 00 00 00 00 00 "ada:horse" 00',
    '04 01 01 bb 00 00 00 01 "ada" 00 "example.com" 00',
    '04 01 01 bb 00 00 00 ff 00 "::1" 00',
    `04 01 01 bb 00 00 00 01 "${'u'.repeat(511)}" 00 "${'a'.repeat(63)}.${'b'.repeat(191)}" 00`,
  ]),
  codec('socks4 reply', decodeSocks4Reply, ['00 5a 00 00 00 00 00 00', '00 5b 1f 90 7f 00 00 01']),
  codec('socks5 greeting', decodeGreeting, [
    '05 00',
    '05 01 00',
    '05 02 00 02',
    `05 ff ${'02 '.repeat(255)}`,
  ]),
  codec('socks5 method', decodeMethod, ['05 00', '05 ff']),
  codec('socks5 user/password', decodeUserPass, [
    '01 00 00',
    '01 05 "alice" 06 "s3cret"',
    '01 02 ff fe 01 00',
    `01 ff "${'u'.repeat(255)}" ff "${'p'.repeat(255)}"`,
  ]),
  codec('socks5 user/password status', decodeUserPassStatus, ['01 00', '01 ff']),
  codec('socks5 request', decodeRequest, [
    '05 01 00 01 7f 00 00 01 1f 90',
    '05 ff 00 03 0b "example.com" 01 bb',
    `05 03 00 ${name255} 00 50`,
  ]),
  codec('socks5 reply', decodeReply, ['05 00 00 01 0a 00 00 01 c0 00', '05 08 00 03 01 "x" 00 00']),
  codec('socks5 datagram', decodeSocksDatagram, [
    '00 00 00 01 7f 00 00 01 00 35',
    '00 00 01 04 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 01 bb',
    `00 00 ff ${name255} 00 35`,
  ]),
  codec('http request head', decodeRequestHead, requestHead),
  codec('http response head', decodeResponseHead, responseHead),
  codec('http chunked body', measureChunked, [
    String.raw`"0\r\n\r\n"`,
    String.raw`"5\r\nhello\r\n0\r\n\r\n"`,
    String.raw`"00a;b;c=d;e=\"f;\t\"\r\n0123\r\n6789\r\n000\r\nX-Sum: 1\r\nY:\r\n\r\n"`,
  ]),
  codec('sumbit line', decodeSumbit, [
    String.raw`"sumbit: alice s3cret \r\n"`,
    String.raw`"sumbit:\t alice \t s3cret\n"`,
    String.raw`"sumbit: \u00e9 :: \t \r\n"`,
  ]),
  codec('preamble', decodePreamble, [
    '00 00 00 02 "{}"',
    String.raw`00 00 00 25 "{\"url\":\"https://example.com/a?b=%20\"}"`,
    '00 00 00 04 22 c3 a9 22',
  ]),
  codec('proxy header', decodeProxyHeader, [
    String.raw`"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"`,
    String.raw`"PROXY TCP6 ::1 2001:DB8:0::2 0 65535\r\n"`,
    String.raw`"PROXY UNKNOWN\r\n"`,
    String.raw`"PROXY UNKNOWN ::1 what ever\r\n"`,
    `${proxyV2} 20 00 00 00`,
    `${proxyV2} 20 ff 00 02 aa bb`,
    `${proxyV2} 21 00 00 00`,
    `${proxyV2} 21 10 00 01 00`,
    `${proxyV2} 21 11 00 0c c0 a8 00 01 c0 a8 00 0b dc 04 01 bb`,
    `${proxyV2} 21 12 00 17 01 02 03 04 05 06 07 08 00 01 00 02 02 00 01 "a" 03 00 04 ec ba 1c 1e`,
    `${proxyV2} 21 21 00 24 ${'00 '.repeat(15)} 01 ${'00 '.repeat(15)} 02 00 01 00 02`,
    `${proxyV2} 21 31 00 d8 "/run/a" ${'00 '.repeat(102)} 00 "abstract" ${'00 '.repeat(99)}`,
  ]),
  codec('compat head', decodeCompatHead, [`${MAGIC} 00 00 00 4d`, 'ff a5 00 80 a5 16 88 1f 00 a0 00 00']),
  codec('compat request', decodeCompatRequest, [REQUEST]),
  codec('compat response', decodeCompatResponse, [RESPONSE, EMPTY]),
  ...ssRequestCodecs.map(({ name, key, decode, encode }) => {
    const salt = countUp(key.method.saltBytes)
    const seconds = key.method.kind === '2022' ? 1_700_000_000 : undefined
    const early = hex(key.method.tagBytes === 0 ? '' : '"hello"')
    const hosts = ['127.0.0.1', '2001:db8::1', 'example.com']
    const sample = hosts.map((host) => encode({ salt, target: { host, port: 443 }, early, seconds }))
    return { name, decode, sample }
  }),
  { name: 'relay frame before the login', decode: decodeEarlyFrame, sample: earlySamples },
  { name: 'relay frame', decode: decodeRelayFrame, sample: frameSamples },
  ...npcCodecs,
  ...bridgeCodecs,
]

function codec<T>(name: string, decode: Decode<T>, sample: readonly string[]): Codec<T> {
  return { name, decode, sample: sample.map(hex) }
}
