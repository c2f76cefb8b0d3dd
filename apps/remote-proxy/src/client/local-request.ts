import { STATUS_CODES } from 'node:http'
import { type Conn, type Reader, refuse } from '@sluice/net'
import { codeOf, ServiceError } from '@sluice/service'
import {
  type Address,
  COMMAND,
  connectTarget,
  createRequestHeadDecoder,
  decodeGreeting,
  decodeRequest,
  encodeMethod,
  encodeReply,
  encodeResponseHead,
  METHOD,
} from '@sluice/wire'
import { ownRefusal, type Refusal } from './refusal.ts'

/** What a local client asks for, and how it is told yes and no. */
export interface LocalRequest {
  /** @throws ServiceError, WireError where it is none that this end can pass on */
  target(): Address
  accept(bound: Address): void
  reject(refusal: Refusal): Promise<void>
}

/** Reads a request as far as it can be answered. @throws what a read throws, when the client was told already */
export type ReadLocalRequest = (reader: Reader) => Promise<LocalRequest>

const NOWHERE: Address = { host: '0.0.0.0', port: 0 }
const ESTABLISHED = Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n')

const socks5Answer = (conn: Conn, { reply }: Refusal): Promise<void> =>
  refuse(conn, encodeReply(reply, NOWHERE))

/** SOCKS5 without a password, RFC 1928. */
export const readSocks5: ReadLocalRequest = async (reader) => {
  const { conn } = reader
  const { methods } = await reader.read(decodeGreeting)
  if (!methods.includes(METHOD.NONE)) {
    await refuse(conn, encodeMethod(METHOD.NO_ACCEPTABLE))
    throw new ServiceError('PROTOCOL_UNSUPPORTED', 'no password is taken here, and none else was offered')
  }
  conn.write(encodeMethod(METHOD.NONE))
  const { command, address } = await told(reader.read(decodeRequest), (refusal) =>
    socks5Answer(conn, refusal),
  )
  return {
    target: () => {
      if (command !== COMMAND.CONNECT) throw new ServiceError('COMMAND_UNSUPPORTED')
      return address
    },
    accept: (bound) => void conn.write(encodeReply(0, bound)),
    reject: (refusal) => socks5Answer(conn, refusal),
  }
}

/** HTTP CONNECT, RFC 9110 §9.3.6; of other methods only the no. */
export const readHttp: ReadLocalRequest = async (reader) => {
  const { conn } = reader
  const head = await told(reader.read(createRequestHeadDecoder()), (refusal) => httpAnswer(conn, refusal))
  return {
    target: () => {
      if (head.method === 'CONNECT') return connectTarget(head)
      throw new ServiceError('METHOD_UNSUPPORTED', `method ${head.method}`)
    },
    accept: () => void conn.write(ESTABLISHED),
    reject: (refusal) => httpAnswer(conn, refusal),
  }
}

const httpAnswer = (conn: Conn, { status, text }: Refusal): Promise<void> => {
  const body = Buffer.from(`${text}\n`)
  const fields: [string, string][] = [
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Content-Length', String(body.length)],
    ['Connection', 'close'],
  ]
  if (status === 405) fields.push(['Allow', 'CONNECT'])
  const head = encodeResponseHead({ status, reason: STATUS_CODES[status] ?? '', fields })
  return refuse(conn, Buffer.concat([head, body]))
}

/** What was read; where it cannot be, the client is told why before that is thrown. */
const told = async <T>(reading: T | Promise<T>, answer: (refusal: Refusal) => Promise<void>): Promise<T> => {
  try {
    return await reading
  } catch (error) {
    await answer(ownRefusal(codeOf(error)))
    throw error
  }
}
