import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it, type TestContext, vi } from 'vitest'
import { runApp } from './run-app.ts'
import { Sandbox } from './testing/sandbox.ts'
import { testApp } from './testing/test-app.ts'

type Context = Pick<TestContext, 'onTestFinished'>

const openSandbox = async ({ onTestFinished }: Context): Promise<Sandbox> => {
  const sandbox = await Sandbox.open()
  onTestFinished(() => sandbox[Symbol.asyncDispose]())
  return sandbox
}

/** The test's app as a program of its own, with what it says. */
class Child {
  readonly process: ChildProcess
  readonly exit: Promise<number | null>
  readonly stderr: Promise<string>
  readonly lines: Record<string, unknown>[] = []
  readonly #reader: Interface

  constructor({ onTestFinished }: Context, ...argv: string[]) {
    const app = join(import.meta.dirname, 'testing/test-app.ts')
    this.process = spawn(process.execPath, ['--conditions=@sluice/source', app, ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.exit = once(this.process, 'exit').then(([code]) => code as number | null)
    this.stderr = text(this.process.stderr!)
    this.#reader = createInterface(this.process.stdout!)
    this.#reader.on('line', (line) => this.lines.push(JSON.parse(line) as Record<string, unknown>))
    onTestFinished(() => void this.process.kill('SIGKILL'))
  }

  /** The first line with this message, which may be yet to come. */
  async line(msg: string): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.lines.find((line) => line['msg'] === msg)
      if (found !== undefined) return found
      await once(this.#reader, 'line')
    }
  }

  /** Waits until the program is ready. @returns its door */
  async door(): Promise<{ host: string; port: number }> {
    await this.line('ready')
    return (await this.line('listening')) as { host: string; port: number }
  }

  /** Exit code and standard error. */
  async end(): Promise<[number | null, string]> {
    return [await this.exit, await this.stderr]
  }
}

describe.concurrent('a program', { timeout: 30_000 }, () => {
  it('drains on the first signal, and ends sessions on the second', async (test) => {
    const sandbox = await openSandbox(test)
    await sandbox.add('ada')
    const child = new Child(test, '--data', sandbox.folder, '--allow', '127.0.0.0/8')
    const client = await sandbox.connect(await child.door())
    client.socket.write(`ada 127.0.0.1 ${sandbox.targetPort}\nping`)
    await client.got('yes\nping')
    child.process.kill('SIGTERM')
    client.socket.write('pong')
    await client.got('pong')
    child.process.kill('SIGTERM')
    expect(await child.end()).toEqual([0, ''])
    expect(await child.line('session.end')).toMatchObject({ code: 'SHUTDOWN', up: 8, down: 8 })
    expect(await sandbox.booked('ada')).toBe(16)
  })

  it('says listening, then ready, reloads on SIGHUP unless there is a mistake, and ends on SIGINT', async (test) => {
    const { folder } = await openSandbox(test)
    const file = join(folder, 'config.yaml')
    writeFileSync(file, 'log-level: info\n')
    const child = new Child(test, 'serve', '--data', folder, '--config', file)
    await child.door()
    expect(child.lines).toMatchObject([
      { msg: 'listening', door: 'door', host: '127.0.0.1', port: expect.any(Number) },
      { msg: 'listening', door: 'ops' },
      { msg: 'ready' },
    ])
    writeFileSync(file, 'node-down: 0\n')
    child.process.kill('SIGHUP')
    expect(await child.line('reload.failed')).toMatchObject({ level: 'error', err: { name: 'ConfigError' } })
    writeFileSync(file, 'node-down: 1MB/s\n')
    child.process.kill('SIGHUP')
    await child.line('reloaded')
    child.process.kill('SIGINT')
    expect(await child.end()).toEqual([0, ''])
  })

  it('tells of an error that nobody caught, and ends with 1', async (test) => {
    const sandbox = await openSandbox(test)
    const child = new Child(test, '--data', sandbox.folder, '--grace', '1h')
    const client = await sandbox.connect(await child.door())
    client.socket.write('BUG\n')
    expect(await child.exit).toBe(1)
    expect(await child.line('crashed')).toMatchObject({
      level: 'error',
      err: { message: 'a bug in the door' },
    })
  })

  it('that cannot listen everywhere ends with 1 and one line, and nothing left', async (test) => {
    const { folder } = await openSandbox(test)
    const taken = createServer()
    await once(taken.listen(0, '127.0.0.1'), 'listening')
    const { port } = taken.address() as AddressInfo
    const child = new Child(test, '--data', folder, '--second', `127.0.0.1:${port}`)
    const [code, error] = await child.end()
    taken.close()
    expect(code).toBe(1)
    expect(error).toMatch(new RegExp(`^test-app: .*EADDRINUSE.*:${port}\n$`))
    expect(child.lines.map(({ msg }) => msg)).toEqual(['listening'])
  })
})

/** Exit code, standard output and standard error of what stops by itself. */
const outcome = async (...argv: string[]): Promise<[number, string, string]> => {
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      said[name] += String(chunk)
      return true
    })
  }
  const code = await runApp(testApp, argv)
  return [code, said.stdout, said.stderr]
}

describe('runApp', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it('refuses a newer schema with 2 and one line', async (test) => {
    const sandbox = await openSandbox(test)
    await sandbox.add('ada')
    const database = new DatabaseSync(join(sandbox.folder, 'sluice.db'))
    database.exec('UPDATE schema SET version = 99')
    database.close()
    const [code, , error] = await outcome('--data', sandbox.folder)
    expect(error).toMatch(/^test-app: .*sluice\.db has schema 99, .*\n$/)
    expect(code).toBe(2)
  })

  it('calls a store that cannot be opened a bad configuration', async (test) => {
    const { folder } = await openSandbox(test)
    mkdirSync(join(folder, 'sluice.db'))
    expect(await outcome('--data', folder)).toEqual([
      2,
      '',
      expect.stringMatching(/^test-app: .*sluice\.db.*\n$/),
    ])
  })

  it.each([
    ['an unknown flag', ['--dor', '1'], /^test-app: --dor: unknown flag, did you mean --door\?\n$/],
    ['an unknown command', ['sing'], /^test-app: sing: unknown command, wanted one of serve, echo\n$/],
    ['what only looks like a command', ['constructor'], /^test-app: constructor: unknown command/],
    ['a store that there cannot be', ['--store', 'redis:x'], /^test-app: store: wanted sqlite:PATH.*\n$/],
  ])('refuses %s with 2 and one line', async (_what, argv, message) => {
    expect(await outcome(...argv)).toEqual([2, '', expect.stringMatching(message)])
  })

  it('shows the stack of what is ours to mend', async () => {
    const app = { ...testApp, serve: () => Promise.reject(new TypeError('a bug')) }
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    expect(await runApp(app, [])).toBe(1)
    expect(stderr).toHaveBeenCalledExactlyOnceWith(
      expect.stringMatching(/^test-app: TypeError: a bug\n {4}at /),
    )
  })

  it('leaves no ear for signals behind', async () => {
    const before = process.listenerCount('SIGTERM')
    await outcome('--store', 'redis:x')
    expect(process.listenerCount('SIGTERM')).toBe(before)
  })

  it.each([
    [['--version'], 'test-app 1.2.3\n'],
    [['--help'], 'test-app: one door, one line\n'],
    [['serve', '--help'], 'test-app: one door, one line\n'],
    [['echo', 'a', '--b'], 'a --b\n'],
    [['--node-up', '1MB/s', '--print-config'], 'data: "./data" # default\n'],
  ])('answers %o with 0', async (argv, begin) => {
    const [code, output, error] = await outcome(...argv)
    expect([code, error]).toEqual([0, ''])
    expect(output.slice(0, begin.length)).toBe(begin)
  })
})
