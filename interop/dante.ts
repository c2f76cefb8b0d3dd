import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { deadPort } from './origin.ts'
import { start, stop } from './process.ts'

/** danted on loopback, for everybody and for these commands alone. */
export interface Dante extends AsyncDisposable {
  readonly address: string
}

const configOf = (folder: string, port: number, commands: string): string => `
logoutput: ${join(folder, 'dante.log')}
internal: 127.0.0.1 port = ${port}
external: 127.0.0.1
clientmethod: none
socksmethod: none
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 command: ${commands} }
`

const accepts = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1')
  const isOpen = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return isOpen
}

/** @param folder for its configuration and its log */
export const startDante = async (folder: string, commands: string): Promise<Dante> => {
  const port = await deadPort()
  const file = join(folder, 'dante.conf')
  writeFileSync(file, configOf(folder, port, commands))
  const child = start('danted', ['-f', file, '-p', join(folder, 'dante.pid')])
  while (child.exitCode === null && !(await accepts(port))) await sleep(20)
  if (child.exitCode !== null) throw new Error('danted did not start')
  return { address: `127.0.0.1:${port}`, [Symbol.asyncDispose]: () => stop(child) }
}
