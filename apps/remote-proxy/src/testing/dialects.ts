import { type ErrorCode, OUTCOMES } from '@sluice/service'
import type { Login } from '@sluice/service/testing'
import {
  COMMAND,
  decodeResponseHead,
  encodeBasic,
  encodeGreeting,
  encodeMethod,
  encodeReply,
  encodeRequest,
  encodeRequestHead,
  encodeSocks4Reply,
  encodeSocks4Request,
  encodeSumbit,
  encodeUserPass,
  encodeUserPassStatus,
  fieldValues,
  formatAddress,
  METHOD,
  SOCKS4_REPLY,
} from '@sluice/wire'
import { expect } from 'vitest'
import type { Dialect } from './handshake-contract.ts'
import { testHandshake } from './test-handshake.ts'

export const bytesOf = ({ name, password }: Login): { username: Buffer; password: Buffer } => ({
  username: Buffer.from(name),
  password: Buffer.from(password),
})

const handshake = testHandshake()
const NOWHERE = { host: '0.0.0.0', port: 0 }
const WRONG_PASSWORD = Buffer.concat([encodeMethod(METHOD.USER_PASS), encodeUserPassStatus(1)])
const NO_METHOD = encodeMethod(METHOD.NO_ACCEPTABLE)

/** Expects an HTTP answer that is whole, ends the connection and names its code and limit. */
export const expectHttp = (answer: Uint8Array, code: ErrorCode): void => {
  const { value: head, size } = decodeResponseHead(answer)!
  const { http, limit } = OUTCOMES[code]
  const field = (name: string): string[] => fieldValues(head, name)
  expect(head.status).toBe(http)
  expect(field('Sluice-Code')).toEqual([code])
  expect(field('Sluice-Limit')).toEqual(limit === undefined ? [] : [limit])
  expect(field('Connection')).toEqual(['close'])
  expect(field('Content-Length')).toEqual([String(answer.length - size)])
  expect(field('Proxy-Authenticate')).toEqual(http === 407 ? ['Basic realm="Sluice", charset="UTF-8"'] : [])
  expect(Buffer.from(answer.subarray(size)).toString()).toMatch(new RegExp(`^${code}: .+\n$`))
}

const socks5: Dialect = {
  name: 'SOCKS5',
  handshake,
  messages: (address, login) => [
    encodeGreeting({ methods: Uint8Array.of(METHOD.NONE, METHOD.USER_PASS) }),
    encodeUserPass(bytesOf(login)),
    encodeRequest({ command: COMMAND.CONNECT, address }),
  ],
  agreed: Buffer.concat([encodeMethod(METHOD.USER_PASS), encodeUserPassStatus(0)]),
  accepted: (bound) => encodeReply(0, bound),
  expectRefused: (answer, code) => {
    const told = [socks5.agreed, encodeReply(OUTCOMES[code].socks5, NOWHERE)]
    const wanted = code === 'AUTH_FAILED' ? WRONG_PASSWORD : Buffer.concat(told)
    expect(Buffer.from(answer)).toEqual(Buffer.from(wanted))
  },
}

const userIdOf = ({ name, password }: Login): Buffer =>
  Buffer.concat([Buffer.from(name), Buffer.from(':'), Buffer.from(password)])

const socks4: Dialect = {
  name: 'SOCKS4',
  handshake,
  messages: (address, login) => [
    encodeSocks4Request({ command: COMMAND.CONNECT, address, userId: userIdOf(login) }),
  ],
  agreed: Buffer.alloc(0),
  accepted: (bound) => encodeSocks4Reply(SOCKS4_REPLY.GRANTED, bound),
  expectRefused: (answer, code) => {
    const reply = code === 'AUTH_FAILED' ? SOCKS4_REPLY.OTHER_USER : SOCKS4_REPLY.REJECTED
    expect(Buffer.from(answer)).toEqual(Buffer.from(encodeSocks4Reply(reply, NOWHERE)))
  },
}

const connect: Dialect = {
  name: 'HTTP CONNECT',
  handshake,
  messages: (address, login) => {
    const target = formatAddress(address)
    const fields = [
      ['Host', target],
      ['Proxy-Authorization', encodeBasic(bytesOf(login))],
    ] as const
    return [encodeRequestHead({ method: 'CONNECT', target, version: '1.1', fields })]
  },
  agreed: Buffer.alloc(0),
  accepted: () => Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n'),
  expectRefused: expectHttp,
}

const sumbit = (login: Login): Uint8Array => encodeSumbit(bytesOf(login))

const sumbitSocks5: Dialect = {
  name: 'sumbit line, then SOCKS5',
  handshake,
  messages: (address, login) => [
    Buffer.concat([sumbit(login), encodeGreeting({ methods: Uint8Array.of(METHOD.NONE) })]),
    encodeRequest({ command: COMMAND.CONNECT, address }),
  ],
  agreed: encodeMethod(METHOD.NONE),
  accepted: (bound) => encodeReply(0, bound),
  expectRefused: (answer, code) => {
    const told = [sumbitSocks5.agreed, encodeReply(OUTCOMES[code].socks5, NOWHERE)]
    const wanted = code === 'AUTH_FAILED' ? NO_METHOD : Buffer.concat(told)
    expect(Buffer.from(answer)).toEqual(Buffer.from(wanted))
  },
}

const sumbitConnect: Dialect = {
  ...connect,
  name: 'sumbit line, then HTTP CONNECT',
  messages: (address, login) => {
    const target = formatAddress(address)
    const head = encodeRequestHead({ method: 'CONNECT', target, version: '1.1', fields: [['Host', target]] })
    return [Buffer.concat([sumbit(login), head])]
  },
}

const sumbitSocks4: Dialect = {
  ...socks4,
  name: 'sumbit line, then SOCKS4',
  messages: (address, login) => {
    const request = encodeSocks4Request({ command: COMMAND.CONNECT, address, userId: Buffer.from('anybody') })
    return [Buffer.concat([sumbit(login), request])]
  },
}

/** Every way to say who one is and where one wants to go that this door takes. */
export const DIALECTS: readonly Dialect[] = [
  socks5,
  socks4,
  connect,
  sumbitSocks5,
  sumbitSocks4,
  sumbitConnect,
]
