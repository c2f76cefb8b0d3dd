import { createConnection, type Socket } from 'node:net'
import {
  type Address,
  COMMAND,
  type Credentials,
  type Decode,
  decodeMethod,
  decodeReply,
  decodeResponseHead,
  decodeSocks4Reply,
  decodeUserPassStatus,
  encodeBasic,
  encodeGreeting,
  encodeRequest,
  encodeRequestHead,
  encodeSocks4Request,
  encodeSumbit,
  encodeUserPass,
  formatAddress,
  METHOD,
  SOCKS4_REPLY,
} from '@sluice/wire'

/** The ways into remote-proxy. */
export const PROTOCOLS = [
  'socks5',
  'socks4',
  'connect',
  'sumbit+socks5',
  'sumbit+socks4',
  'sumbit+connect',
] as const
export type Protocol = (typeof PROTOCOLS)[number]

export interface Wish {
  readonly protocol: Protocol
  readonly login: Credentials
  readonly target: Address
  /** Of SOCKS. @default CONNECT */
  readonly command?: number
}

const NO_LOGIN: Credentials = { username: new Uint8Array(0), password: new Uint8Array(0) }
const ANSWER_MS = 20_000

export const loginOf = (name: string, password: string): Credentials => ({
  username: Buffer.from(name),
  password: Buffer.from(password),
})

/** The client's side of a handshake, one message each; all of it may be sent at once. */
export function messagesOf({ protocol, login, target, command = COMMAND.CONNECT }: Wish): Uint8Array[] {
  const sumbit = protocol.startsWith('sumbit') ? [encodeSumbit(login)] : []
  const own = sumbit.length === 0 ? login : NO_LOGIN
  if (protocol.endsWith('socks5')) return [...sumbit, ...socks5(own, target, command)]
  return [...sumbit, protocol.endsWith('socks4') ? socks4(own, target, command) : connectHead(own, target)]
}

function socks5(login: Credentials, address: Address, command: number): Uint8Array[] {
  const request = encodeRequest({ command, address })
  if (login === NO_LOGIN) return [encodeGreeting({ methods: Uint8Array.of(METHOD.NONE) }), request]
  const methods = Uint8Array.of(METHOD.NONE, METHOD.USER_PASS)
  return [encodeGreeting({ methods }), encodeUserPass(login), request]
}

function socks4({ username, password }: Credentials, address: Address, command: number): Uint8Array {
  // The user id ends at a NUL, so none can be in it.
  const userId = Buffer.concat([username, Buffer.from(':'), password]).filter((byte) => byte !== 0)
  return encodeSocks4Request({ command, address, userId: userId.subarray(0, 511) })
}

function connectHead(login: Credentials, address: Address): Uint8Array {
  const target = formatAddress(address)
  const fields: [string, string][] = [['Host', target]]
  if (login !== NO_LOGIN) fields.push(['Proxy-Authorization', encodeBasic(login)])
  return encodeRequestHead({ method: 'CONNECT', target, version: '1.1', fields })
}

/** Each answer's decoder, with what is good news in it. */
function answersTo(protocol: Protocol): Decode<boolean>[] {
  if (protocol.endsWith('connect')) return [told(decodeResponseHead, ({ status }) => status === 200)]
  if (protocol.endsWith('socks4')) {
    return [told(decodeSocks4Reply, ({ reply }) => reply === SOCKS4_REPLY.GRANTED)]
  }
  const reply = told(decodeReply, (answer) => answer.reply === 0)
  if (protocol === 'sumbit+socks5') return [told(decodeMethod, (method) => method === METHOD.NONE), reply]
  const agreed = told(decodeMethod, (method) => method === METHOD.USER_PASS)
  return [agreed, told(decodeUserPassStatus, (status) => status === 0), reply]
}

function told<T>(decode: Decode<T>, isGood: (value: T) => boolean): Decode<boolean> {
  return (bytes) => {
    const decoded = decode(bytes)
    return decoded && { value: isGood(decoded.value), size: decoded.size }
  }
}

/**
 * Opens a tunnel through the proxy on `port`. It comes paused, half-closes are the caller's to make, and its errors are
 * told by 'close' alone.
 * @throws Error where it is refused, with the answer in hex
 */
export async function openTunnel(port: number, wish: Wish): Promise<Socket> {
  const socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  socket.on('error', () => undefined)
  const timer = setTimeout(() => socket.destroy(new Error(`no answer in ${ANSWER_MS} ms`)), ANSWER_MS)
  try {
    socket.write(Buffer.concat(messagesOf(wish)))
    const rest = await readAnswers(socket, answersTo(wish.protocol))
    if (rest.length > 0) socket.unshift(rest)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** @returns what came behind the last answer */
async function readAnswers(socket: Socket, expected: readonly Decode<boolean>[]): Promise<Buffer> {
  const left = [...expected]
  let bytes: Buffer = Buffer.alloc(0)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onData = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk])
    try {
      while (left[0]) {
        const answer = left[0](bytes)
        if (answer === undefined) return
        if (!answer.value) throw new Error(`refused with ${bytes.toString('hex')}`)
        bytes = bytes.subarray(answer.size)
        left.shift()
      }
      resolve()
    } catch (error) {
      reject(error)
    }
  }
  const onEnd = (): void => reject(new Error(`closed after ${bytes.toString('hex') || 'no answer'}`))
  socket.on('data', onData).on('error', reject).on('end', onEnd)
  try {
    await promise
    return bytes
  } finally {
    socket.pause().off('data', onData).off('error', reject).off('end', onEnd)
  }
}
