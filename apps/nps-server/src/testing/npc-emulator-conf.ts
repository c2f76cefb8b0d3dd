import { decodeNpcBoolean, decodeNpcStatus } from '@sluice/wire/npc'
import {
  emulateLogin,
  EmulatorRefusal,
  emulatorReader,
  type EmulatorOptions,
  md5,
} from './npc-emulator-login.ts'

/** Tunnels and hosts of a program's own file, with the keys that they have on the wire; what is left out is zero or empty. */
export interface EmulatorFile {
  readonly tasks?: readonly Readonly<Record<string, unknown>>[]
  readonly hosts?: readonly Readonly<Record<string, unknown>>[]
}

/** Brings them to the server. @throws EmulatorRefusal where it does not want one of them */
export const emulateConf = async (
  options: EmulatorOptions,
  { tasks = [], hosts = [] }: EmulatorFile,
): Promise<void> => {
  const socket = await emulateLogin(options, { type: 'conf' })
  const read = emulatorReader(socket)
  const ask = async (tag: string, value: unknown): Promise<void> => {
    const json = Buffer.from(JSON.stringify(value))
    const size = Buffer.alloc(4)
    size.writeUInt32LE(json.length)
    socket.write(Buffer.concat([Buffer.from(tag), size, json]))
    if (!(await read(decodeNpcBoolean))) throw new EmulatorRefusal(`${tag} is not wanted`)
  }
  try {
    if (await read(decodeNpcBoolean)) throw new EmulatorRefusal('the key is everybody’s')
    for (const host of hosts) await ask('host', host)
    for (const task of tasks) await ask('task', task)
  } finally {
    socket.end()
  }
}

/** The names of what the server has for this key. */
export const emulateStatus = async (
  options: EmulatorOptions,
  ofKey: string = options.vkey,
): Promise<readonly string[]> => {
  const socket = await emulateLogin(options, { type: 'conf' })
  const read = emulatorReader(socket)
  socket.write(`stus${md5(ofKey)}`)
  await read(decodeNpcBoolean)
  const names = await read(decodeNpcStatus)
  socket.end()
  return names
}
