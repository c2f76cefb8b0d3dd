import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const APP = join(import.meta.dirname, 'testing/test-app.ts')
const USER = {
  id: '1',
  name: 'ada',
  state: 'active',
  connections: 2,
  ips: 1,
  up: 0,
  down: 0,
  used: 7,
  limits: {},
}

let ops: Server
let answer: () => [status: number, body: string]

/** A program whose only user gets 1,000 bytes a second. */
const working = (): [number, string] => {
  const uptimeMs = performance.now()
  const users = [{ ...USER, down: uptimeMs }]
  return [200, JSON.stringify({ app: 'test-app', version: '1.2.3', uptimeMs, total: 1, users })]
}

beforeAll(async () => {
  ops = createServer((_request, response) => {
    const [status, body] = answer()
    response.writeHead(status).end(body)
  })
  await once(ops.listen(0, '127.0.0.1'), 'listening')
})

afterAll(() => void ops.close())

const flags = (): string[] => ['--ops', `127.0.0.1:${(ops.address() as AddressInfo).port}`]

const command = (...argv: string[]): string[] => [
  process.execPath,
  '--conditions=@sluice/source',
  APP,
  'top',
  ...flags(),
  ...argv,
]

/** Exit code, standard output and standard error. */
const run = async (...argv: string[]): Promise<[number | null, string, string]> => {
  const [file = '', ...rest] = command(...argv)
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = (await once(child, 'exit')) as [number | null]
  return [code, ...(await said)]
}

describe.concurrent('without a terminal', () => {
  beforeAll(() => {
    answer = working
  })

  it('prints the table once, with the rates of a second', async () => {
    const [code, out, err] = await run()
    expect([code, err]).toEqual([0, ''])
    expect(out.split('\n')).toEqual([
      expect.stringMatching(/^USER +STATE +CONNS .*USED$/),
      expect.stringMatching(/^ada +active +2 +1 +0B +1KB +0B +1KB +- +7B$/),
      '',
    ])
  })

  it('prints JSON', async () => {
    const [code, out] = await run('--json', '--once')
    const report = JSON.parse(out) as { users: { downRate: number }[] }
    expect(code).toBe(0)
    expect(report).toMatchObject({ app: 'test-app', total: 1, users: [{ name: 'ada', connections: 2 }] })
    expect(report.users[0]?.downRate).toBeCloseTo(1000)
  })

  it.each([
    [['--sort', 'x'], 2, /^test-app: --sort: unknown flag/],
    [['now'], 2, /^test-app: top: now: unknown word\n$/],
    [['--ops', '127.0.0.1:1'], 1, /^test-app: cannot reach 127\.0\.0\.1:1 \(\w+\): does the program run/],
  ])('refuses %o', async (argv, wanted, message) => {
    expect(await run(...argv)).toEqual([wanted, '', expect.stringMatching(message)])
  })
})

describe('what is no program of ours', () => {
  it.each([
    [
      'one that does not tell',
      403,
      '{"error":{"code":"LOOPBACK_ONLY","text":"not here"}}',
      /answers 403: not here\n$/,
    ],
    ['something else', 404, '<html>', /answers 404\n$/],
    ['nonsense', 200, '{"users":7}', /^test-app: \S/],
  ])('%s', async (_what, status, body, message) => {
    answer = () => [status, body]
    expect(await run('--once')).toEqual([1, '', expect.stringMatching(message)])
  })
})

const hasScript = ((): boolean => {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux')
  } catch {
    return false
  }
})()

/** `top` in a terminal of its own, between two looks at how that is set. */
class Terminal {
  readonly child: ChildProcess
  said = ''
  readonly #waiting = new Set<() => void>()

  constructor() {
    const inner = `echo pid $$; exec ${command().join(' ')}`
    const line = `stty cols 90 rows 12; stty -g; sh -c '${inner}'; echo code $?; stty -g`
    this.child = spawn('script', ['-qec', line, '/dev/null'], {
      env: { ...process.env, TERM: 'xterm' },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    this.child.stdout!.on('data', (chunk) => {
      this.said += String(chunk)
      for (const check of this.#waiting) check()
    })
  }

  shows(pattern: RegExp): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!pattern.test(this.said)) return
        this.#waiting.delete(check)
        resolve()
      }
      this.#waiting.add(check)
      check()
    })
  }

  type(keys: string): void {
    this.child.stdin!.write(keys)
  }

  /** Waits for its end. @returns the exit code, and how the terminal was set before and after */
  async end(): Promise<{ code: string | undefined; settings: (string | undefined)[] }> {
    await this.shows(/code \d+\r\n\S+:\S+\r\n/)
    this.child.stdin!.end()
    const settings = [...this.said.matchAll(/^([0-9a-f]+:[0-9a-f:]+)\r$/gm)].map(([, words]) => words)
    return { code: /code (\d+)/.exec(this.said)?.[1], settings }
  }
}

describe.skipIf(!hasScript)('in a terminal', () => {
  it.each([
    ['q', 'q'],
    ['Esc', '\u001b'],
    ['Ctrl-C', '\u0003'],
    ['SIGTERM', undefined],
  ])('shows users, sorts, survives a program that is away, and leaves with %s', async (_name, key) => {
    answer = working
    const terminal = new Terminal()
    await terminal.shows(/test-app 1\.2\.3 .* by down/)
    await terminal.shows(/ada +active +2 +1 +0B +1KB/)
    terminal.type('\u001b[Ac')
    await terminal.shows(/by connections/)
    answer = () => [503, '']
    await terminal.shows(/answers 503/)
    if (key === undefined) process.kill(Number(/pid (\d+)/.exec(terminal.said)?.[1]), 'SIGTERM')
    else terminal.type(key)
    const { code, settings } = await terminal.end()
    expect([code, settings.length, settings[0] === settings[1]]).toEqual(['0', 2, true])
    const opened = terminal.said.indexOf('\u001b[?1049h\u001b[?25l')
    const closed = terminal.said.indexOf('\u001b[?25h\u001b[?1049l')
    expect([opened >= 0, closed > opened]).toEqual([true, true])
  })
})
