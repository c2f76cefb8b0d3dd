import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { Decode } from '@sluice/wire'
import {
  decodeMd5Hex,
  decodeNpcVerdict,
  encodeNpcHello,
  encodeNpcPurpose,
  NPC_CORE_VERSION,
  NPC_CORE_VERSION_MD5,
  type NpcPurpose,
} from '@sluice/wire/npc'

/** Where the server is, and by which key to come. */
export interface EmulatorOptions {
  readonly port: number
  /** @default 127.0.0.1 */
  readonly host?: string
  readonly vkey: string
  /** Inside of TLS, whatever its certificate. @default false */
  readonly tls?: boolean
}

export const md5 = (text: string): string => createHash('md5').update(text).digest('hex')

/** The server does not know the key, or is none of this protocol. */
export class EmulatorRefusal extends Error {
  override readonly name = 'EmulatorRefusal'
}

/** A conn that the server has let in and told the purpose. @throws EmulatorRefusal; the system's error */
export const emulateLogin = async (options: EmulatorOptions, purpose: NpcPurpose): Promise<Duplex> => {
  const socket = await opened(options)
  try {
    const read = emulatorReader(socket)
    socket.write(encodeNpcHello({ core: NPC_CORE_VERSION, release: '0.26.10' }))
    if ((await read(decodeMd5Hex)) !== NPC_CORE_VERSION_MD5) throw new EmulatorRefusal('another version')
    socket.write(md5(options.vkey))
    if (!(await read(decodeNpcVerdict))) throw new EmulatorRefusal('the key is wrong')
    socket.write(encodeNpcPurpose(purpose))
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

const opened = async ({ port, host = '127.0.0.1', tls = false }: EmulatorOptions): Promise<Duplex> => {
  const socket = tls
    ? connectTls({ port, host, rejectUnauthorized: false })
    : connect({ port, host, noDelay: true })
  await once(socket, tls ? 'secureConnect' : 'connect')
  return socket.on('error', () => {})
}

/** Reads values one after the other, and not a byte more than they have. */
export const emulatorReader =
  (socket: Duplex): (<T>(decode: Decode<T>) => Promise<T>) =>
  async (decode) => {
    let bytes: Buffer = Buffer.alloc(0)
    for (;;) {
      const decoded = decode(bytes)
      if (decoded !== undefined) {
        if (decoded.size < bytes.length) socket.unshift(bytes.subarray(decoded.size))
        return decoded.value
      }
      bytes = Buffer.concat([bytes, await nextChunk(socket)])
    }
  }

const nextChunk = async (socket: Duplex): Promise<Buffer> => {
  for (;;) {
    const chunk = socket.read() as Buffer | null
    if (chunk !== null) return chunk
    if (socket.readableEnded || socket.destroyed) throw new EmulatorRefusal('the server has closed')
    const gone = new AbortController()
    const { signal } = gone
    await Promise.race(['readable', 'end', 'close'].map((event) => once(socket, event, { signal })))
    gone.abort()
  }
}
