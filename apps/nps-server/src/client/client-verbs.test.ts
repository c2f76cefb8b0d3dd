import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { hash } from 'node:crypto'
import { createLog } from '@sluice/service'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acceptStream, formatEnrolment, makeSecret, type OnVisit, refuseStream } from '../bridge/index.ts'
import { TestBridge } from '../testing/test-bridge.ts'
import { clientVerbs } from './client-verbs.ts'

interface Line {
  readonly msg: string
  readonly door?: string
  readonly port?: number
}

interface Command {
  readonly code: Promise<number>
  readonly lines: Line[]
  readonly out: () => string
  readonly err: () => string
}

const start = (word: 'run' | 'status' | 'visit', argv: readonly string[], stdin = ''): Command => {
  const lines: Line[] = []
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const log = createLog({
    level: 'info',
    sink: { write: (line) => void lines.push(JSON.parse(line) as Line) },
  })
  const io = { version: '1', env: {}, stdin: Readable.from([Buffer.from(stdin)]), stdout, stderr, log }
  const code = clientVerbs(io)[word].run(argv)
  return { code, lines, out: () => String(stdout.read() ?? ''), err: () => String(stderr.read() ?? '') }
}

const lineOf = async (lines: readonly Line[], msg: string): Promise<Line> => {
  const find = (): Line | undefined => lines.find((line) => line.msg === msg)
  await expect.poll(find).toBeDefined()
  return find()!
}

describe('the commands of a client program', () => {
  let bridge: TestBridge
  let onVisit: OnVisit
  beforeEach(async () => {
    bridge = await TestBridge.open({ onVisit: (stream, password, agent) => onVisit(stream, password, agent) })
  })
  afterEach(() => bridge[Symbol.asyncDispose]())

  it('run is ready once the server has let it in, and stops with a signal', async () => {
    const { client, enrolment } = bridge.enrol()
    const command = start(
      'run',
      ['--enroll-stdin', '--ops', '127.0.0.1:0'],
      `${formatEnrolment(enrolment)}\n`,
    )
    await lineOf(command.lines, 'ready')
    expect(client.agents.all).toMatchObject([{ version: '1' }])
    const { port } = command.lines.find(({ msg, door }) => msg === 'listening' && door === 'ops')!
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
    process.emit('SIGTERM')
    expect(await command.code).toBe(0)
    await expect.poll(() => client.agents.all).toEqual([])
  })

  it('run ends with 1 where the server knows no such secret', async () => {
    const { enrolment } = bridge.enrol()
    const command = start('run', ['--enroll-stdin'], formatEnrolment({ ...enrolment, secret: makeSecret() }))
    expect(await command.code).toBe(1)
    expect(command.err()).toMatch(/^nps-server: AUTH_FAILED: the server knows no such enrolment.*\n$/)
    expect(command.lines.some(({ msg }) => msg === 'ready')).toBe(false)
  })

  it.each([
    ['run', [], 'no secret', '--enroll-stdin is missing'],
    ['run', ['--enroll-stdin'], 'no enrolment', '--enroll-stdin: no enrolment'],
    ['run', ['--enroll-stdin', 'more'], '', 'one word too many'],
    ['run', ['--enroll-stdin', '--allow', 'here'], '', '--allow'],
    ['run', ['--enroll-stdin', '--files', '/no/such'], '', '--files: /no/such is not a folder'],
    ['run', ['--enroll-stdin', '--files', process.execPath], '', 'is not a folder'],
    ['run', ['--enroll-stdin', '--listing'], '', '--listing: wanted with --files'],
    ['visit', ['--enroll-stdin', '--listen', '127.0.0.1:0'], 'x', '--password-stdin is missing'],
    ['visit', ['--enroll-stdin', '--password-stdin', '--listen', '0.0.0.0:0'], 'x\ny\n', 'is not loopback'],
    ['visit', ['--enroll-stdin', '--password-stdin', '--listen', '127.0.0.1:0'], 'x\n', 'wanted 2 lines'],
  ] as const)('%s %j with %j on standard input is refused', async (word, argv, stdin, why) => {
    await expect(start(word, argv, stdin).code).rejects.toThrow(why)
  })

  it('visit says which flag it was where it cannot listen', async () => {
    const taken = createServer()
    await once(taken.listen(0, '127.0.0.1'), 'listening')
    const { port } = taken.address() as AddressInfo
    const argv = ['--enroll-stdin', '--password-stdin', '--listen', `127.0.0.1:${port}`]
    const { enrolment } = bridge.enrol()
    await expect(start('visit', argv, `${formatEnrolment(enrolment)}\nx\n`).code).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: expect.stringMatching(/^--listen: listen EADDRINUSE/),
    })
    taken.close()
  })

  it('each has a help', async () => {
    for (const word of ['run', 'status', 'visit'] as const) {
      const command = start(word, ['--help'])
      expect(await command.code).toBe(0)
      const help = command.out()
      expect(help).toContain(`nps-server client ${word} [flags]`)
      // All others of it are flags alone.
      expect(help).toContain('file with log-level and grace')
    }
  })

  it('status shows what there is, and takes no visitors', async () => {
    const { client, enrolment } = bridge.enrol({ remark: 'laptop' })
    const { registry } = bridge
    registry.addTunnel(client, { mode: 'tcp', host: '0.0.0.0', port: 2222, targets: ['22'] }).problem =
      'EADDRINUSE'
    registry.addTunnel(client, { mode: 'secret', targets: ['22'], enabled: false })
    registry.addHost(client, { host: 'example.org', targets: ['80', '81'] })
    let most = 0
    registry.watch(() => void (most = Math.max(most, client.agents.all.length)))
    const text = start('status', ['--enroll-stdin'], formatEnrolment(enrolment))
    expect(await text.code).toBe(0)
    expect(text.out()).toBe(
      'client 1 (laptop)\n' +
        'tunnel 2: tcp 0.0.0.0:2222 -> 22, not open: EADDRINUSE\n' +
        'tunnel 3: secret -> 22, disabled\n' +
        'host 4: all example.org/ -> 80, 81\n',
    )
    const json = start('status', ['--enroll-stdin', '--json'], formatEnrolment(enrolment))
    expect(await json.code).toBe(0)
    expect(JSON.parse(json.out())).toMatchObject({
      id: 1,
      tunnels: [{ id: 2 }, { id: 3 }],
      hosts: [{ id: 4 }],
    })
    expect(most).toBe(0)
    const told = bridge.journal.lines.filter((line) => /"info".*agent\.(joined|left)/.test(line))
    expect(told).toEqual([])
    expect(await bridge.journal.end({ nth: 1 })).toMatchObject({ code: 'OK' })
    const wrong = start('status', ['--enroll-stdin'], formatEnrolment({ ...enrolment, secret: makeSecret() }))
    expect(await wrong.code).toBe(1)
  })

  it('visit leads to a secret tunnel, and ends what the server refuses', async () => {
    const { enrolment } = bridge.enrol()
    const passwords: string[] = []
    onVisit = (stream, password, agent): void => {
      expect(agent.clientId).toBe(1)
      passwords.push(password)
      if (passwords.length > 1) return void refuseStream(stream, 'VISITOR_DENIED')
      acceptStream(stream)
      stream.write(Buffer.from('welcome'))
      stream.end()
    }
    const argv = ['--enroll-stdin', '--password-stdin', '--listen', '127.0.0.1:0']
    const command = start('visit', argv, `${formatEnrolment(enrolment)}\nopen sesame\n`)
    await lineOf(command.lines, 'ready')
    const { port } = await lineOf(command.lines, 'listening')
    const visit = async (): Promise<string> => {
      const socket = connect(port!, '127.0.0.1')
      let text = ''
      socket.on('data', (chunk) => void (text += String(chunk))).on('error', () => {})
      await once(socket, 'close')
      return text
    }
    expect(await visit()).toBe('welcome')
    expect(await visit()).toBe('')
    expect(passwords).toEqual([hash('md5', 'open sesame'), hash('md5', 'open sesame')])
    expect(await lineOf(command.lines, 'visit.failed')).toMatchObject({ code: 'VISITOR_DENIED' })
    process.emit('SIGTERM')
    expect(await command.code).toBe(0)
  })
})
