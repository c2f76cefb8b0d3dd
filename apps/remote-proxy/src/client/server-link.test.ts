import type { Address } from '@sluice/wire'
import { describe, expect, test } from 'vitest'
import { freePort, OWN_HOST } from '../testing/own-loopback.ts'
import { echo, openOrigin } from '../testing/test-program.ts'
import { ServerLink, type ServerLinkOptions } from './server-link.ts'

const NEVER = new AbortController().signal
const line = Buffer.from('sumbit: a b \r\n')

/** Where nobody listens. */
const nowhere = (): Address => ({ host: OWN_HOST, port: freePort() })

/** A link whose time passes only while it sleeps. */
const linkTo = (
  server: { host: string; port: number },
  onSleep: (slept: readonly number[]) => void = () => {},
): { link: ServerLink; slept: number[]; said: string[] } => {
  const slept: number[] = []
  const said: string[] = []
  let now = 0
  const say = (_: object, message: string): void => void said.push(message)
  const options: ServerLinkOptions = {
    access: { server, line },
    log: { info: say, warn: say } as unknown as ServerLinkOptions['log'],
    now: () => now,
    sleep: async (ms) => {
      slept.push(ms)
      now += ms
      onSleep(slept)
    },
  }
  return { link: new ServerLink(options), slept, said }
}

describe('ServerLink', () => {
  test('opens a conn, and has nothing to say about it', async () => {
    using server = await openOrigin(echo)
    const { link, slept, said } = linkTo(server)
    const conn = await link.open(NEVER)
    expect(conn.remote).toEqual({ host: server.host, port: server.port })
    expect([slept, said]).toEqual([[], []])
    conn.destroy()
  })

  test('tries ever less often, 5 s in all, and says once that the server is away', async () => {
    const { link, slept, said } = linkTo(nowhere())
    for (let i = 0; i < 2; i++) await expect(link.open(NEVER)).rejects.toMatchObject({ code: 'DIAL_REFUSED' })
    expect(slept).toEqual([100, 200, 400, 800, 1600, 100, 200, 400, 800, 1600])
    expect(said).toEqual(['server.away'])
  })

  test('says once that the server is back', async () => {
    const server = nowhere()
    const { link, said } = linkTo(server)
    await link.open(NEVER).catch(() => {})
    using other = await openOrigin(echo)
    Object.assign(server, { host: other.host, port: other.port })
    for (let i = 0; i < 2; i++) (await link.open(NEVER)).destroy()
    expect(said).toEqual(['server.away', 'server.back'])
  })

  test('does not wait for a server that never says a word of TLS', async () => {
    using mute = await openOrigin((socket) => void socket.resume())
    const said: string[] = []
    const say = (_: object, message: string): void => void said.push(message)
    const credentials = { username: Buffer.from('a'), password: Buffer.from('b') }
    const access = { server: mute, credentials, tls: { name: 'localhost' } }
    const log = { info: say, warn: say } as unknown as ServerLinkOptions['log']
    const link = new ServerLink({ access, log, tryMs: 50 })
    await expect(link.open(NEVER)).rejects.toMatchObject({ code: 'DIAL_TIMEOUT' })
    expect(said).toEqual(['server.away'])
  })

  test('is given up between two attempts', async () => {
    const abort = new AbortController()
    const { link, slept } = linkTo(nowhere(), () => abort.abort(new Error('enough')))
    await expect(link.open(abort.signal)).rejects.toThrow('enough')
    expect(slept).toEqual([100])
  })
})
