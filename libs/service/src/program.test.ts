import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { connect as connectTls } from 'node:tls'
import { createTlsContext } from '@sluice/net'
import { CERTIFICATE, CERTIFICATE_KEY } from '@sluice/net/testing'
import type { Address } from '@sluice/wire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Association } from './datagram.ts'
import { DatagramSession } from './datagram-session.ts'
import type { ServiceError } from './errors.ts'
import type { DatagramListener } from './listeners.ts'
import { Program } from './program.ts'
import type { ProgramOptions } from './program-options.ts'
import { Journal } from './testing/journal.ts'
import { OWN_HOST } from './testing/own-loopback.ts'
import { Client, Sandbox } from './testing/sandbox.ts'
import { configOf, testHandshake } from './testing/test-app.ts'

const LOOPBACK = { host: OWN_HOST, port: 0 }
let sandbox: Sandbox
const programs: Program[] = []
const sockets: Socket[] = []

beforeEach(async () => {
  sandbox = await Sandbox.open()
})

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close()
  for (const program of programs.splice(0)) {
    program.hurry()
    await program.stop()
  }
  await sandbox[Symbol.asyncDispose]()
})

const start = async (
  settings: Record<string, unknown> = {},
  options: Partial<ProgramOptions> = {},
): Promise<{ program: Program; journal: Journal }> => {
  const journal = new Journal()
  const config = configOf({ data: sandbox.folder, allow: '127.0.0.0/8', ...settings })
  const program = await Program.start({
    app: 'test',
    version: '1',
    config,
    env: {},
    log: journal.log,
    ...options,
  })
  programs.push(program)
  return { program, journal }
}

/** A client that has come as far as the relay. */
const relaying = async (program: Program, port: number): Promise<Client> => {
  const { address } = await program.listen('door', LOOPBACK, testHandshake)
  const client = await sandbox.connect(address)
  client.socket.write(`ada 127.0.0.1 ${port}\n`)
  await client.got('yes\n')
  return client
}

describe('Program', () => {
  it('tells where it listens, and that it is ready', async () => {
    const { program, journal } = await start({ logLevel: 'silent' })
    const { address: door } = await program.listen('door', LOOPBACK, testHandshake)
    const ops = await program.ready()
    expect(journal.raw.map((line) => JSON.parse(line) as object)).toMatchObject([
      { msg: 'listening', door: 'door', host: OWN_HOST, port: door.port },
      { msg: 'listening', door: 'ops', host: '127.0.0.1', port: ops?.port },
      { msg: 'ready' },
    ])
  })

  it('opens no ops endpoint where there is to be none', async () => {
    const config = { ...configOf({ data: sandbox.folder }), ops: undefined }
    const { program, journal } = await start({}, { config })
    expect(await program.ready()).toBeUndefined()
    expect(journal.raw).toHaveLength(1)
  })

  it.each(['nodeUp', 'nodeDown', 'nodeTotal'])('holds all users together to %s', async (setting) => {
    await sandbox.add('ada')
    const { program } = await start({ [setting]: '1GB/s' })
    const share = program.shaper.user('probe')
    expect([share.limited('up'), share.limited('down')]).toEqual([
      setting !== 'nodeDown',
      setting !== 'nodeUp',
    ])
    const client = await relaying(program, sandbox.targetPort)
    client.socket.write('12345')
    await client.got('12345')
  })

  it('leads conns through the door, counts and books them', async () => {
    await sandbox.add('ada')
    const { program, journal } = await start()
    const client = await relaying(program, sandbox.targetPort)
    client.socket.write('12345')
    await client.got('12345')
    client.socket.end()
    expect(await client.closed).toBe('yes\n12345')
    await program.stop()
    expect(await sandbox.booked('ada')).toBe(10)
    expect(journal.lines('session.end')).toMatchObject([
      { door: 'door', user: 'ada', code: 'OK', up: 5, down: 5 },
    ])
  })

  it('dials nothing of its own, whatever is allowed', async () => {
    await sandbox.add('ada')
    const { program } = await start()
    const { address: own } = await program.listen('own', LOOPBACK, testHandshake)
    const ops = await program.ready()
    for (const { host, port } of [own, ops!]) {
      const client = await sandbox.connect(own)
      client.socket.write(`ada ${host} ${port}\n`)
      expect(await client.closed).toBe('no TARGET_DENIED\n')
    }
  })

  it('holds dials to its rules, says which denied, and takes over others at once, or none', async () => {
    await sandbox.add('ada')
    const { program, journal } = await start(
      { rules: [{ name: 'closed', action: 'deny', listeners: 'door', users: 'ada' }] },
      { doors: ['door'] },
    )
    const { address: door } = await program.listen('door', LOOPBACK, testHandshake)
    const asked = async (): Promise<string> => {
      const client = await sandbox.connect(door)
      client.socket.end(`ada 127.0.0.1 ${sandbox.targetPort}\n`)
      return client.closed
    }
    const denied = 'no ACCESS_DENIED\n'
    expect(await asked()).toBe(denied)
    expect(journal.lines('session.end')).toMatchObject([{ code: 'ACCESS_DENIED', rule: 'closed' }])
    const reload = (rules: unknown): Promise<void> =>
      program.reload(configOf({ data: sandbox.folder, allow: '127.0.0.0/8', rules }))
    await expect(reload([{ action: 'allow', via: 'nowhere' }])).rejects.toThrow(
      'rules[0].via: "nowhere" is no upstream',
    )
    expect(await asked()).toBe(denied)
    await reload([{ action: 'deny', targets: '10.0.0.0/8' }])
    expect(await asked()).toBe('yes\n')
    await reload([{ action: 'deny', targets: '127.0.0.1' }])
    expect(await asked()).toBe(denied)
    expect(journal.lines('session.end').at(-1)).toMatchObject({ rule: 'rules[0]' })
  })

  it('does not start with rules that name what does not exist', async () => {
    const rules = [{ action: 'deny', listeners: 'dor' }]
    await expect(start({ rules }, { doors: ['door'] })).rejects.toThrow(
      'rules[0].listeners: "dor" is no listener, did you mean door?',
    )
  })

  it('dials from the source address, that of the user first', async () => {
    await sandbox.add('ada')
    const { program } = await start({ source: '127.0.0.8' })
    const { address: door } = await program.listen('door', LOOPBACK, testHandshake)
    const from = async (): Promise<string> => {
      const target = createServer((socket) => socket.end(socket.remoteAddress ?? 'nobody')).listen(
        0,
        '127.0.0.1',
      )
      await once(target, 'listening')
      const client = await sandbox.connect(door)
      client.socket.write(`ada 127.0.0.1 ${(target.address() as AddressInfo).port}\n`)
      await client.got('127.0.0.')
      client.socket.end()
      const told = await client.closed
      target.close()
      return told
    }
    expect(await from()).toBe('yes\n127.0.0.8')
    const changed = Promise.withResolvers<unknown>()
    program.store.watch(changed.resolve, changed.reject)
    await program.store.update('ada', { source: '127.0.0.9' })
    await changed.promise
    expect(await from()).toBe('yes\n127.0.0.9')
  })

  it('follows the store: who was disabled elsewhere is cut', async () => {
    await sandbox.add('ada')
    const { program, journal } = await start()
    const client = await relaying(program, sandbox.targetPort)
    await program.store.update('ada', { enabled: false })
    await client.closed
    expect(journal.lines('session.end')).toMatchObject([{ code: 'USER_DISABLED' }])
  })

  it('keeps its users while the store cannot be read, and says so once', async () => {
    const file = `${sandbox.folder}/users.json`
    writeFileSync(file, '{"users":[{"name":"ada"}]}')
    const { program, journal } = await start({ store: `json:${file}` })
    const told = journal.next('store.unreadable')
    writeFileSync(file, '{"users":[{"nam":"ada"}]}')
    expect(await told).toMatchObject({ level: 'error', err: { code: 'STORE_FORMAT' } })
    const client = await relaying(program, sandbox.targetPort)
    client.socket.write('12345')
    await client.got('12345')
    expect(journal.lines('store.unreadable')).toHaveLength(1)
  })

  it('shows users, ledger and sessions in its metrics', async () => {
    await sandbox.add('ada')
    const { program } = await start()
    const client = await relaying(program, sandbox.targetPort)
    client.socket.write('12345')
    await client.got('12345')
    const ops = await program.ready()
    const text = await (await fetch(`http://127.0.0.1:${ops?.port}/metrics`)).text()
    expect(text).toContain('sluice_users{state="active"} 1')
    expect(text).toContain('sluice_sessions_active{door="door"} 1')
    expect(text).toMatch(/sluice_ledger_pending_bytes \d+/)
  })
})

describe('the access log', () => {
  it('takes the lines of sessions, and leaves to the log what is for the operator', async () => {
    await sandbox.add('ada')
    const accessLog = `${sandbox.folder}/access.log`
    const { program, journal } = await start({ accessLog, accessLogFormat: 'squid' })
    const client = await relaying(program, sandbox.targetPort)
    client.socket.end('12345')
    await client.closed
    const second = await program.listen('second', LOOPBACK, () => Promise.reject(new Error('bug')))
    const bug = await sandbox.connect(second.address)
    await bug.closed
    const third = await program.listen('third', LOOPBACK, testHandshake)
    const stranger = await sandbox.connect(third.address)
    stranger.socket.write('eve a 1\n')
    await stranger.closed
    await program.stop()
    expect(journal.lines('session.end')).toMatchObject([{ code: 'INTERNAL' }])
    const lines = readFileSync(accessLog, 'utf8').trimEnd().split('\n')
    expect(lines.map((line) => line.split(/\s+/).slice(2))).toEqual([
      `127.0.0.1 TCP_TUNNEL/200 5 CONNECT 127.0.0.1:${sandbox.targetPort} ada HIER_DIRECT/127.0.0.1 -`.split(
        ' ',
      ),
      '127.0.0.1 NONE_NONE/500 0 - error:internal - HIER_NONE/- -'.split(' '),
      '127.0.0.1 TCP_DENIED/407 0 - error:auth-failed - HIER_NONE/- -'.split(' '),
    ])
  })

  it('that cannot be opened is a mistake in the settings, and leaves nothing behind', async () => {
    await expect(start({ accessLog: `${sandbox.folder}/no/log` })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('(ENOENT)'),
    })
    await sandbox.add('ada')
  })
})

describe('reload()', () => {
  it('takes over the limits of the node and the log level', async () => {
    await sandbox.add('ada')
    const { program } = await start()
    const client = await relaying(program, sandbox.targetPort)
    await program.reload(configOf({ nodeDown: 1, nodeTotal: '1GB/s', logLevel: 'warn' }))
    expect(program.shaper.user('probe').limited('down')).toBe(true)
    expect(program.log.level).toBe('warn')
    // Beyond the burst with which the bucket began, one byte takes a second.
    client.socket.write(Buffer.alloc(1_000_000, 'x'))
    await program.reload(configOf({ logLevel: 'info' }))
    expect(program.shaper.user('probe').limited('down')).toBe(false)
    await client.got('x'.repeat(1_000_000))
  })

  it('leads nobody to a listener that the door has opened itself', async () => {
    await sandbox.add('ada')
    const { program, journal } = await start()
    const { address: door } = await program.listen('door', LOOPBACK, testHandshake)
    program.announce('own', { host: '127.0.0.1', port: sandbox.targetPort })
    expect(journal.lines('listening')).toContainEqual(expect.objectContaining({ door: 'own' }))
    const client = await sandbox.connect(door)
    client.socket.write(`ada 127.0.0.1 ${sandbox.targetPort}\n`)
    expect(await client.closed).toBe('no TARGET_DENIED\n')
  })

  it('takes over the address policy, the deadlines, and how many may wait and fail', async () => {
    await sandbox.add('ada')
    const { program, journal } = await start()
    const { address: door } = await program.listen('door', LOOPBACK, testHandshake)
    await program.reload(
      configOf({ allow: [], unauthenticatedPerIp: 1, unauthenticated: 2, idleMs: 7, handshakeMs: 8 }),
    )
    const client = await sandbox.connect(door)
    client.socket.write(`ada 127.0.0.1 ${sandbox.targetPort}\n`)
    expect(await client.closed).toBe('no TARGET_DENIED\n')
    expect(program.sessions.options).toMatchObject({
      unauthenticatedPerIp: 1,
      unauthenticated: 2,
      idleMs: 7000,
      handshakeMs: 8000,
    })
    expect(journal.lines('session.end')).toMatchObject([{ code: 'TARGET_DENIED' }])
  })

  it('takes over what its parts take over, and nothing at all where one of them cannot', async () => {
    const { program } = await start()
    const taken: unknown[] = []
    program.onReload((config) => () => void taken.push(config.graceMs))
    program.onReload(async (config) => {
      if (config.graceMs === 13_000) throw new Error('not 13')
      return () => void taken.push('late')
    })
    await program.reload(configOf({ graceMs: 12, logLevel: 'warn' }))
    await expect(program.reload(configOf({ graceMs: 13, logLevel: 'error' }))).rejects.toThrow('not 13')
    expect(taken).toEqual([12_000, 'late'])
    expect(program.log.level).toBe('warn')
  })

  it('gives new default limits to the users that it has and to their sessions', async () => {
    await sandbox.add('ada')
    await sandbox.add('bob', { up: 1_000_000 })
    const { program } = await start()
    await relaying(program, sandbox.targetPort)
    const [ada, bob] = [...program.directory.accounts()]
    const limited = (): unknown[] => [ada?.share.limited('down'), bob?.share.limited('down')]
    expect(limited()).toEqual([false, false])
    program.directory.setDefaults({ total: 1_000_000 })
    expect(limited()).toEqual([true, false])
    program.directory.setDefaults({ total: undefined })
    expect(limited()).toEqual([false, false])
  })

  it('holds for sessions that run', async () => {
    await sandbox.add('ada')
    const { program } = await start()
    await relaying(program, sandbox.targetPort)
    const relimited: unknown[] = []
    program.sessions.relimit = (): void => void relimited.push(1)
    await program.reload(configOf({ nodeUp: '1MB/s' }))
    expect(relimited).toHaveLength(1)
  })
})

describe('stop()', () => {
  it('lets sessions end, tells that it is not ready, and lets go of everything', async () => {
    await sandbox.add('ada')
    const { program, journal } = await start()
    const { address: door } = await program.listen('other', LOOPBACK, testHandshake)
    const client = await relaying(program, sandbox.targetPort)
    const ops = (await program.ready())!
    const stopping = program.stop()
    const readiness = await fetch(`http://127.0.0.1:${ops.port}/readyz`)
    expect([readiness.status, await readiness.json()]).toEqual([
      503,
      { status: 'not ready', reason: 'stopping' },
    ])
    expect(await sandbox.isClosed(door)).toBe(true)
    client.socket.write('still here')
    await client.got('still here')
    client.socket.end()
    await stopping
    expect(journal.lines('session.end')).toMatchObject([{ code: 'OK' }])
    expect(await sandbox.booked('ada')).toBe(20)
    expect(await sandbox.isClosed(ops)).toBe(true)
    await expect(program.store.list()).rejects.toMatchObject({ code: 'STORE_CLOSED' })
  })

  it('ends sessions after the grace', async () => {
    await sandbox.add('ada')
    const { program, journal } = await start({ graceMs: '1ms' })
    const client = await relaying(program, sandbox.targetPort)
    await program.stop()
    await client.closed
    expect(journal.lines('session.end')).toMatchObject([{ code: 'SHUTDOWN' }])
  })

  it('ends them at once when it is hurried', async () => {
    await sandbox.add('ada')
    const { program, journal } = await start({ graceMs: '1h' })
    await relaying(program, sandbox.targetPort)
    const stopping = program.stop()
    expect(program.stop()).toBe(stopping)
    program.hurry()
    await stopping
    expect(journal.lines('session.end')).toMatchObject([{ code: 'SHUTDOWN' }])
  })

  it('ends at once who has not said what they want', async () => {
    const { program, journal } = await start({ graceMs: '1h' })
    const first = await program.listen('door', LOOPBACK, testHandshake)
    const client = await sandbox.connect(first.address)
    client.socket.write('ad')
    const second = await program.listen('second', LOOPBACK, testHandshake)
    await sandbox.connect(second.address)
    while (program.sessions.size < 2) await new Promise((resolve) => setImmediate(resolve))
    await program.stop()
    expect(journal.lines('session.end')).toMatchObject([{ code: 'SHUTDOWN' }, { code: 'SHUTDOWN' }])
  })

  it('closes the rest where one thing does not close', async () => {
    const { program, journal } = await start()
    const ops = (await program.ready())!
    const close = program.store.close.bind(program.store)
    program.store.close = async (): Promise<never> => {
      await close()
      throw new Error('stuck')
    }
    await program.stop()
    expect(journal.lines('stop.failed')).toMatchObject([{ err: { message: 'stuck' } }])
    expect(await sandbox.isClosed(ops)).toBe(true)
  })
})

describe('listeners', () => {
  it('close by themselves, and leave conns and other listeners alone', async () => {
    await sandbox.add('ada')
    const { program } = await start()
    const [goes, stays] = [
      await program.listen('ss', LOOPBACK, testHandshake),
      await program.listen('ss', LOOPBACK, testHandshake),
    ]
    const client = await sandbox.connect(goes.address)
    client.socket.write(`ada 127.0.0.1 ${sandbox.targetPort}\n`)
    await client.got('yes\n')
    goes.close()
    goes.close()
    expect(await sandbox.isClosed(goes.address)).toBe(true)
    expect(await sandbox.isClosed(stays.address)).toBe(false)
    client.socket.write('still here')
    await client.got('still here')
    const again = await program.listen('ss', goes.address, testHandshake)
    expect(again.address).toEqual(goes.address)
  })

  it('may be dialled by users once they are closed, and are no longer ours', async () => {
    await sandbox.add('ada')
    const { program } = await start()
    const [door, other] = [
      await program.listen('ss', LOOPBACK, testHandshake),
      await program.listen('ss', LOOPBACK, testHandshake),
    ]
    const asked = async (): Promise<string> => {
      const client = await sandbox.connect(door.address)
      client.socket.end(`ada ${OWN_HOST} ${other.address.port}\n`)
      return client.closed
    }
    expect(await asked()).toBe('no TARGET_DENIED\n')
    const datagrams = await program.datagrams('ss', other.address, () => {})
    other.close()
    expect(await asked()).toBe('no TARGET_DENIED\n')
    datagrams.close()
    expect(await asked()).toBe('no DIAL_REFUSED\n')
  })

  it('are told with what stands in their lines besides, or not at all', async () => {
    const { program, journal } = await start()
    const { address } = await program.listen('ss', LOOPBACK, testHandshake, { fields: { user: 'ada' } })
    await program.datagrams('ss', address, () => {}, { announce: false })
    const alone = await program.datagrams('ss', LOOPBACK, () => {}, { fields: { user: 'bob' } })
    await program.listen('quiet', LOOPBACK, testHandshake, { announce: false })
    expect(journal.lines('listening')).toMatchObject([
      { door: 'ss', ...address, user: 'ada' },
      { door: 'ss', ...alone.address, user: 'bob' },
    ])
  })

  it('are cheap: hundreds of one door are one in the metrics', async () => {
    const { program } = await start()
    const open = Array.from({ length: 200 }, () =>
      program.listen('ss', LOOPBACK, testHandshake, { announce: false }),
    )
    for (const listener of await Promise.all(open)) listener.close()
    const text = await program.metrics.registry.metrics()
    expect(text.match(/sluice_sessions_active\{/g)).toHaveLength(1)
  })
})

describe('datagrams()', () => {
  /** A door that sends back what it gets, within the limits of its user, and ends with what ends its session. */
  const echo = async (
    program: Program,
  ): Promise<{ listener: DatagramListener; sessions: DatagramSession[] }> => {
    const sessions: DatagramSession[] = []
    const [account] = [...program.directory.accounts()]
    const listener: DatagramListener = await program.datagrams('ss', LOOPBACK, (bytes, host, port) => {
      try {
        const client = { host, port }
        sessions[0] ??= DatagramSession.open(listener.parts, { account: account!, client, protocol: 'udp' })
        sessions[0].lanes.up.count(bytes.length)
        listener.send(bytes, host, port)
      } catch (error) {
        listener.send(Buffer.from((error as ServiceError).code), host, port)
      }
    })
    return { listener, sessions }
  }

  const client = async ({ address }: DatagramListener): Promise<(text: string) => Promise<string>> => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    sockets.push(socket)
    await once(socket, 'listening')
    return async (text) => {
      socket.send(text, address.port, address.host)
      const [bytes] = (await once(socket, 'message')) as [Buffer]
      return bytes.toString()
    }
  }

  it('has its sessions counted, booked and told as all others', async () => {
    await sandbox.add('ada')
    const { program, journal } = await start()
    const { listener, sessions } = await echo(program)
    const ask = await client(listener)
    expect(await ask('12345')).toBe('12345')
    const metrics = await program.metrics.registry.metrics()
    expect(metrics).toContain('sluice_sessions_active{door="ss"} 1')
    sessions[0]!.close()
    await program.stop()
    expect(await sandbox.booked('ada')).toBe(5)
    expect(journal.lines('session.end')).toMatchObject([{ door: 'ss', user: 'ada', code: 'OK', up: 5 }])
  })

  it('goes on for who is here while the program stops, and lets nobody in', async () => {
    await sandbox.add('ada')
    const { program, journal } = await start()
    const { listener, sessions } = await echo(program)
    const ask = await client(listener)
    expect(await ask('a')).toBe('a')
    const stopping = program.stop()
    expect(await ask('still here')).toBe('still here')
    const [running] = sessions.splice(0)
    expect(await ask('a newcomer')).toBe('SHUTDOWN')
    program.hurry()
    await stopping
    expect(running!.isOver).toBe(true)
    expect(journal.lines('session.end')).toMatchObject([{ code: 'SHUTDOWN' }])
    const again = await start()
    expect((await again.program.datagrams('ss', listener.address, () => {})).address).toEqual(
      listener.address,
    )
  })

  it('is a door with an association behind each session: anybody may answer, within the limits of the user', async () => {
    await sandbox.add('ada', { quotaBytes: 10 })
    const { program, journal } = await start()
    const [account] = [...program.directory.accounts()]
    const target = createSocket('udp4').bind(0, '127.0.0.1')
    const stranger = createSocket('udp4').bind(0, '127.0.0.1')
    sockets.push(target, stranger)
    await Promise.all([once(target, 'listening'), once(stranger, 'listening')])
    target.on('message', (bytes, { port }) => stranger.send(bytes, port, '127.0.0.1'))
    let open: { session: DatagramSession; association: Association } | undefined
    const come = (client: Address): NonNullable<typeof open> => {
      const session = DatagramSession.open(listener.parts, { account: account!, client, protocol: 'udp' })
      const association = new Association({
        caller: session,
        client: {
          maxBytes: listener.maxBytes,
          headOf: ({ port }) => Buffer.from(`${port}:`),
          send: (head, payload) => listener.send([head, payload], session.client.host, session.client.port),
        },
        lanes: session.lanes,
        locate: program.locate,
        metrics: session.metrics,
        log: session.log,
        idleMs: 300_000,
        dnsIdleMs: 17_000,
        cone: 'full',
        onEnd: (error) => session.close(error),
      })
      session.onEnd = (): void => association.close()
      return { session, association }
    }
    const listener: DatagramListener = await program.datagrams('ss', LOOPBACK, (bytes, host, port) => {
      open ??= come({ host, port })
      open.association.send(
        bytes,
        open.association.towards({ host: '127.0.0.1', port: target.address().port }),
      )
    })
    const ask = await client(listener)
    expect(await ask('1234')).toBe(`${stranger.address().port}:1234`)
    expect(open!.session.isOver).toBe(false)
    void ask('12')
    const end = await journal.next('session.end')
    expect(end).toMatchObject({ door: 'ss', user: 'ada', code: 'QUOTA_EXCEEDED', up: 6, down: 4 })
    expect(() => come({ host: '127.0.0.1', port: 1 })).toThrow(
      expect.objectContaining({ code: 'QUOTA_EXCEEDED' }),
    )
  })

  it('says which port is taken', async () => {
    const { program } = await start()
    const { address } = await program.datagrams('ss', LOOPBACK, () => {})
    await expect(program.datagrams('ss', address, () => {})).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})

describe('devices', () => {
  it('follow the settings', async () => {
    await sandbox.add('ada', { ips: 1 })
    const { program } = await start({ deviceTtlMs: '1h' })
    const [account] = [...program.directory.accounts()]
    const held = { kind: 'connection', ip: '192.0.2.1', cut() {}, relimit() {} } as const
    account!.enter(held, 0)
    account!.leave(held)
    expect(account!.isIdle).toBe(false)
    await program.reload(configOf({ deviceTtlMs: 0, deviceBytes: '1MB' }))
    expect(account!.isIdle).toBe(true)
    account!.enter(held, 0)
    account!.enter({ ...held, ip: '192.0.2.2' }, 0)
    expect(account!.ips).toBe(2)
  })
})

it('serves the routes that a door adds', async () => {
  const { program } = await start()
  program.addRoutes((app) => app.get('/extra', () => ({ is: 'here' })))
  const ops = await program.ready()
  expect(await (await fetch(`http://127.0.0.1:${ops!.port}/extra`)).json()).toEqual({ is: 'here' })
})

describe('a start that fails', () => {
  it('leaves nothing behind where a port is taken', async () => {
    const { program } = await start()
    const { address: door } = await program.listen('door', LOOPBACK, testHandshake)
    await expect(program.listen('second', door, testHandshake)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await program.stop()
    expect(await sandbox.isClosed(door)).toBe(true)
  })

  it('lets go of everything where the users cannot be read', async () => {
    await sandbox.add('ada')
    const database = new DatabaseSync(`${sandbox.folder}/sluice.db`)
    database.exec("UPDATE users SET limits = 'what?'")
    database.close()
    const journal = new Journal()
    await expect(start({}, { log: journal.log })).rejects.toMatchObject({ name: 'StoreError' })
    expect(journal.closed).toBe(true)
  })
})

describe('a listener over TLS with credentials of its door', () => {
  it('leads conns through the door', async () => {
    await sandbox.add('ada')
    const { program } = await start()
    const context = createTlsContext({ cert: CERTIFICATE, key: CERTIFICATE_KEY })
    const { address } = await program.listen('door', LOOPBACK, testHandshake, { tls: { context } })
    const socket = connectTls({ ...address, ca: CERTIFICATE, servername: 'localhost' })
    const client = new Client(socket)
    socket.write(`ada 127.0.0.1 ${sandbox.targetPort}\n`)
    await client.got('yes\n')
    socket.write('12345')
    await client.got('12345')
    socket.end()
    await client.closed
  })
})

describe('a program of circuits', () => {
  it('limits its users apart from the node, whose shares follow the users', async () => {
    await sandbox.add('ada', { up: 1_000_000 })
    const { program } = await start({ nodeUp: '1GB/s' }, { circuits: true })
    const [ada] = program.directory.accounts()
    const limited = (): (boolean | undefined)[] => {
      const share = program.directory.nodeShare(ada!)
      return [
        ada!.share.limited('up'),
        ada!.share.limited('down'),
        share?.limited('up'),
        share?.limited('down'),
      ]
    }
    expect(limited()).toEqual([true, false, true, false])
    expect(program.directory.nodeShare(program.directory.guest)?.limited('up')).toBe(true)
    await program.reload(configOf({ data: sandbox.folder, nodeDown: '1GB/s' }))
    expect(limited()).toEqual([true, false, false, true])
  })

  it('is none unless it says so: then its users stand under the node', async () => {
    await sandbox.add('ada')
    const { program } = await start({ nodeUp: '1GB/s' })
    const [ada] = program.directory.accounts()
    expect(ada!.share.limited('up')).toBe(true)
    expect(program.directory.nodeShare(ada!)).toBeUndefined()
  })
})

describe('a NodeID that two users have', () => {
  it('is told of in the log', async () => {
    const credentials = [{ kind: 'nodeId', nodeId: 'N'.repeat(44) }] as const
    for (const name of ['ada', 'bob']) await sandbox.add(name, {}, credentials)
    const { journal } = await start()
    expect(journal.lines('credential.taken')).toMatchObject([{ kind: 'nodeId', user: 'bob', holder: 'ada' }])
  })
})
