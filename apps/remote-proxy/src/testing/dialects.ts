import { type ErrorCode, OUTCOMES } from '@sluice/service'
import {
  COMMAND,
  decodeResponseHead,
  encodeBasic,
  encodeGreeting,
  encodeMethod,
  encodeReply,
  encodeRequest,
  encodeRequestHead,
  encodeSumbit,
  encodeUserPass,
  encodeUserPassStatus,
  fieldValues,
  formatAddress,
  METHOD,
} from '@sluice/wire'
import { expect } from 'vitest'
import { handshake } from '../handshake.ts'
import type { Dialect } from './handshake-contract.ts'
import type { Login } from './test-door.ts'

export const bytesOf = ({ name, password }: Login): { username: Buffer; password: Buffer } => ({
  username: Buffer.from(name),
  password: Buffer.from(password),
})

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

/** Every way to say who one is and where one wants to go that this door takes. */
export const DIALECTS: readonly Dialect[] = [socks5, connect, sumbitSocks5, sumbitConnect]
