import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
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
    // Not 'exit', which may come before the last line.
    this.exit = once(this.process, 'close').then(([code]) => code as number | null)
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

describe.concurrent('a program', () => {
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

  it('goes on in a new access log on SIGHUP, though its settings are bad', async (test) => {
    const sandbox = await openSandbox(test)
    const { folder } = sandbox
    const [file, access] = [join(folder, 'config.yaml'), join(folder, 'access.log')]
    writeFileSync(file, `access-log: ${access}\n`)
    const child = new Child(test, '--data', folder, '--config', file, '--no-watch')
    const door = await child.door()
    const visit = async (): Promise<void> => {
      const client = await sandbox.connect(door)
      client.socket.write('eve a 1\n')
      await client.closed
    }
    const codes = (name: string): string[] | null => readFileSync(name, 'utf8').match(/"code":"\w+"/g)
    await visit()
    await test.expect.poll(() => codes(access)).toEqual(['"code":"AUTH_FAILED"'])
    renameSync(access, `${access}.1`)
    writeFileSync(file, 'acess-log: x\n')
    child.process.kill('SIGHUP')
    await child.line('reload.failed')
    await visit()
    child.process.kill('SIGTERM')
    await child.end()
    expect([codes(`${access}.1`), codes(access)]).toEqual([
      ['"code":"AUTH_FAILED"'],
      ['"code":"AUTH_FAILED"'],
    ])
  })

  it('follows its file: renamed over, with mistakes in between, or not at all', async (test) => {
    const { folder } = await openSandbox(test)
    const file = join(folder, 'config.yaml')
    const put = (contents: string): void => {
      writeFileSync(`${file}.new`, contents)
      renameSync(`${file}.new`, file)
    }
    put('token: hunter2\n')
    const deaf = new Child(test, '--data', folder, '--config', file, '--no-watch')
    const child = new Child(test, '--data', folder, '--config', file)
    await Promise.all([child.door(), deaf.door()])
    put('node-down: 1MB/s\n')
    expect(await child.line('reloaded')).toMatchObject({ level: 'info', changed: ['node-down'] })
    put('token: [hunter2]\nnode-down: fast\n')
    const { err } = await child.line('reload.failed')
    expect(err).toMatchObject({
      message: expect.stringContaining('config.yaml: node-down: "fast" is not a rate'),
    })
    expect(err).toMatchObject({ message: expect.stringContaining('config.yaml: token: *** is not') })
    expect(JSON.stringify(child.lines)).not.toContain('hunter2')
    const ops = child.lines.find((line) => line['door'] === 'ops')!
    const metrics = await (await fetch(`http://127.0.0.1:${String(ops['port'])}/metrics`)).text()
    expect(metrics).toContain('sluice_config_reloads_total{result="ok"} 1')
    expect(metrics).toContain('sluice_config_reloads_total{result="failed"} 1')
    for (const each of [child, deaf]) each.process.kill('SIGTERM')
    expect([await child.end(), await deaf.end()]).toEqual([
      [0, ''],
      [0, ''],
    ])
    expect(deaf.lines.map(({ msg }) => msg)).toEqual(['listening', 'listening', 'ready'])
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
    expect(error).toMatch(new RegExp(`^test-app: --second: .*EADDRINUSE.*:${port}\n$`))
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
    [
      'an unknown command',
      ['sing'],
      /^test-app: sing: unknown command, wanted one of serve, top, echo, completion, help\n$/,
    ],
    ['a slip', ['serv', '--door', 'x:1'], /^test-app: serv: unknown command, did you mean serve\?\n$/],
    ['help of no command', ['help', 'ech'], /^test-app: ech: unknown command, did you mean echo\?\n$/],
    [
      'completion of no shell',
      ['completion', 'tcsh'],
      /^test-app: completion: wanted one of bash, zsh, fish\n$/,
    ],
    ['completion of all shells', ['completion', 'bash', 'zsh'], /^test-app: completion: wanted one of/],
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
    [
      ['--help'],
      'test-app 1.2.3: one door, one line\n\nSYNOPSIS\n  test-app [serve] [flags]\n  test-app top [flags]\n  test-app echo [WORD …]\n',
    ],
    [['serve', '--help'], 'test-app 1.2.3: one door, one line\n'],
    [['help'], 'test-app 1.2.3: one door, one line\n'],
    [['help', 'serve'], 'test-app 1.2.3: one door, one line\n'],
    [['help', 'echo'], '--help\n'],
    [['help', 'echo', 'a'], 'a --help\n'],
    [['help', 'completion'], 'test-app completion: '],
    [['completion', '--help'], 'test-app completion: '],
    [['completion', 'bash'], '# bash completion of test-app'],
    [['completion', 'zsh'], '#compdef test-app\n'],
    [['completion', 'fish'], '# fish completion of test-app'],
    [['echo', 'a', '--b'], 'a --b\n'],
    [['--node-up', '1MB/s', '--print-config'], 'data: "./data" # default\n'],
  ])('answers %o with 0', async (argv, begin) => {
    const [code, output, error] = await outcome(...argv)
    expect([code, error]).toEqual([0, ''])
    expect(output.slice(0, begin.length)).toBe(begin)
  })
})
