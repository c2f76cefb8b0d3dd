import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { Sandbox } from './testing/sandbox.ts'

const APP = join(import.meta.dirname, 'testing/test-app.ts')
const sandbox = new Sandbox()

/** The test's app as a program of its own, with what it says. */
class Process {
  readonly child: ChildProcess
  readonly exit: Promise<number | null>
  readonly stderr: Promise<string>
  readonly lines: Record<string, unknown>[] = []
  readonly #reader: Interface

  constructor(...argv: string[]) {
    const flags = ['--conditions=@sluice/source', APP, ...argv]
    this.child = spawn(process.execPath, flags, { cwd: sandbox.folder, stdio: ['ignore', 'pipe', 'pipe'] })
    this.exit = once(this.child, 'exit').then(([code]) => code as number | null)
    this.stderr = text(this.child.stderr!)
    this.#reader = createInterface(this.child.stdout!)
    this.#reader.on('line', (line) => this.lines.push(line.startsWith('{') ? JSON.parse(line) : { line }))
  }

  /** The first line with this message, which may be yet to come. */
  async line(msg: string): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.lines.find((line) => line['msg'] === msg)
      if (found !== undefined) return found
      await once(this.#reader, 'line')
    }
  }

  /** Waits for the program to listen. @returns its door */
  async door(): Promise<{ host: string; port: number }> {
    await this.line('ready')
    return (await this.line('listening')) as { host: string; port: number }
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }

  /** Exit code and standard error. */
  async end(): Promise<[number | null, string]> {
    return [await this.exit, await this.stderr]
  }
}

const processes: Process[] = []
const run = (...argv: string[]): Process => {
  const made = new Process(...argv)
  processes.push(made)
  return made
}

afterEach(() => {
  for (const { child } of processes.splice(0)) child.kill('SIGKILL')
})

describe('a program', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('says listening, then ready, and ends on %s with 0', async (signal) => {
    const program = run('serve')
    const door = await program.door()
    expect(program.lines).toMatchObject([
      { msg: 'listening', door: 'door', host: '127.0.0.1', port: expect.any(Number) },
      { msg: 'listening', door: 'ops' },
      { msg: 'ready' },
    ])
    program.signal(signal)
    expect(await program.end()).toEqual([0, ''])
    expect(await sandbox.isClosed(door)).toBe(true)
  })

  it('ends at once, and cleanly, where the signal comes while it starts', async () => {
    const program = run()
    await program.line('listening')
    program.signal('SIGTERM')
    expect(await program.end()).toEqual([0, ''])
  })

  it('drains on the first signal, and ends sessions on the second', async () => {
    await sandbox.add('ada')
    const program = run('--allow', '127.0.0.0/8', '--log-level', 'info')
    const client = await sandbox.connect(await program.door())
    client.socket.write(`ada 127.0.0.1 ${sandbox.targetPort}\nping`)
    await client.got('yes\nping')
    program.signal('SIGTERM')
    client.socket.write('pong')
    await client.got('pong')
    program.signal('SIGTERM')
    expect(await program.end()).toEqual([0, ''])
    expect(await program.line('session.end')).toMatchObject({ code: 'SHUTDOWN', up: 8, down: 8 })
    expect(await sandbox.booked('ada')).toBe(16)
  })

  it('reads its configuration again on SIGHUP, and stays as it is where that has a mistake', async () => {
    const file = join(sandbox.folder, 'config.yaml')
    writeFileSync(file, 'log-level: info\n')
    const program = run('--config', file)
    await program.door()
    writeFileSync(file, 'node-down: 0\n')
    program.signal('SIGHUP')
    expect(await program.line('reload.failed')).toMatchObject({ level: 'error', err: { name: 'ConfigError' } })
    writeFileSync(file, 'node-down: 1MB/s\n')
    program.signal('SIGHUP')
    await program.line('reloaded')
    program.signal('SIGTERM')
    expect(await program.end()).toEqual([0, ''])
  })

  it('tells of an error that nobody caught, and ends with 1', async () => {
    const program = run('--grace', '1h')
    const client = await sandbox.connect(await program.door())
    client.socket.write('BUG\n')
    expect(await program.exit).toBe(1)
    expect(await program.line('crashed')).toMatchObject({ level: 'error', err: { message: 'a bug in the door' } })
  })

  it('says what is doubtful', async () => {
    process.env['SLUICE_GRACES'] = '1'
    const program = run()
    delete process.env['SLUICE_GRACES']
    await program.door()
    expect((await program.line('config.doubtful'))['warning']).toContain('SLUICE_GRACE')
  })
})

describe('a start that fails', () => {
  it('for a newer schema, ends with 2 and one line', async () => {
    await sandbox.add('ada')
    const database = new DatabaseSync(join(sandbox.folder, 'sluice.db'))
    database.exec('UPDATE schema SET version = 99')
    database.close()
    const [code, error] = await run('--data', sandbox.folder).end()
    expect(code).toBe(2)
    expect(error).toMatch(/^test-app: .*sluice\.db has schema 99, .*\n$/)
  })

  it('for a port that is taken, ends with 1, one line, and nothing left', async () => {
    const taken = createServer()
    await once(taken.listen(0, '127.0.0.1'), 'listening')
    const { port } = taken.address() as AddressInfo
    const [code, error] = await run('--second', `127.0.0.1:${port}`).end()
    taken.close()
    expect(code).toBe(1)
    expect(error).toMatch(new RegExp(`^test-app: .*EADDRINUSE.*:${port}\n$`))
  })

  it.each([
    ['an unknown flag', ['--dor', '1'], /^test-app: --dor: unknown flag, did you mean --door\?\n$/],
    ['an unknown command', ['sing'], /^test-app: sing: unknown command, wanted one of serve, echo\n$/],
    ['what only looks like a command', ['constructor'], /^test-app: constructor: unknown command/],
    ['a store that there cannot be', ['--store', 'redis:x'], /^test-app: store: wanted sqlite:PATH.*\n$/],
  ])('for %s, ends with 2 and one line', async (_what, argv, message) => {
    const [code, error] = await run(...argv).end()
    expect(code).toBe(2)
    expect(error).toMatch(message)
  })
})

describe('what is not a start', () => {
  it.each([
    [['--version'], 'test-app 1.2.3'],
    [['--help'], 'test-app: one door, one line'],
    [['serve', '--help'], 'test-app: one door, one line'],
    [['echo', 'a', '--b'], 'a --b'],
  ])('answers %o and ends with 0', async (argv, first) => {
    const program = run(...argv)
    expect(await program.end()).toEqual([0, ''])
    expect(program.lines[0]).toEqual({ line: first })
  })

  it('prints the settings', async () => {
    const program = run('--node-up', '1MB/s', '--print-config')
    expect(await program.exit).toBe(0)
    expect(program.lines.map(({ line }) => line)).toContainEqual(expect.stringContaining('node-up: 1MB/s'))
  })
})
