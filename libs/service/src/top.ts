import { setTimeout as sleep } from 'node:timers/promises'
import type { ReadStream, WriteStream } from 'node:tty'
import { formatAddress } from '@sluice/wire'
import type { Address } from '@sluice/wire'
import { z } from 'zod'
import { ConfigError } from './config-error.ts'
import type { ConfigSchema } from './config-options.ts'
import { type BaseConfig, baseSchema, flag, loadConfig } from './config.ts'
import { manualText } from './help-text.ts'
import { TopRates } from './top-rates.ts'
import { TopScreen } from './top-screen.ts'
import { SORTS, type SortKey, tableLines, topLines, type TopState } from './top-view.ts'
import type { ExitCode } from './user-cli.ts'
import { fetchUsers } from './users-client.ts'

/** What a program lends to its `top`. */
export interface TopIo {
  readonly app: string
  /** The program's own settings: its `--ops` counts, and it may share its file. */
  readonly schema: z.ZodObject<{ ops: z.ZodType<BaseConfig['ops']> }>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: ReadStream
  readonly stdout: WriteStream
  readonly stderr: { write(text: string): unknown }
}

const SECOND_MS = 1000
const PLAIN_COLUMNS = 200

/** Runs `<app> top …`, where `argv` are the words after `top`, until it is left. Never throws. */
export const runTop = async (argv: readonly string[], io: TopIo): Promise<ExitCode> => {
  const quit = new AbortController()
  const leave = (): void => quit.abort()
  for (const signal of SIGNALS) process.on(signal, leave)
  io.stdout.on('error', leave)
  try {
    await top(argv, io, quit)
    return 0
  } catch (error) {
    if (quit.signal.aborted) return 0
    io.stderr.write(`${io.app}: ${String(Object(error).message).replaceAll(/\s+/g, ' ')}\n`)
    return error instanceof ConfigError ? 2 : 1
  } finally {
    for (const signal of SIGNALS) process.off(signal, leave)
    io.stdout.off('error', leave)
  }
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Flags of `top` for a program whose settings are `schema`. */
export const topFlags = (
  schema: TopIo['schema'],
): ConfigSchema<{
  config: string | undefined
  ops: Address | undefined
  once: boolean
  json: boolean
  help: boolean
}> =>
  z.object({
    config: baseSchema().shape.config,
    ops: schema.shape.ops,
    once: flag('print the table once, with the rates of one second, as where there is no terminal'),
    json: flag('print one JSON value a second, or only one with --once'),
    help: flag('print this'),
  })

/** One sentence, for the list of commands. */
export const TOP_ABOUT = 'Shows who is using the running program, live.'

const TOP_KEYS =
  'Keys: u, d, c, l and n sort by up, down, connections, quota left and name; q, Esc or Ctrl-C quits.'

const top = async (argv: readonly string[], io: TopIo, quit: AbortController): Promise<void> => {
  const flags = topFlags(io.schema)
  const { config, positionals } = loadConfig(flags, { argv, env: io.env, shares: io.schema })
  if (positionals[0] !== undefined) throw new ConfigError('USAGE', `top: ${positionals[0]}: unknown word`)
  if (config.help) {
    io.stdout.write(
      manualText({
        head: `${io.app} top: ${TOP_ABOUT.toLowerCase()}`,
        synopsis: [`${io.app} top [flags]`],
        description: [TOP_KEYS],
        flags,
      }),
    )
    return
  }
  const url = urlOf(config.ops)
  if (config.json) await printJson(io, url, config.once, quit.signal)
  else if (config.once || !io.stdout.isTTY || io.env['TERM'] === 'dumb')
    await printTable(io, url, quit.signal)
  else await live(io, url, quit)
}

const urlOf = (ops: Address | undefined): URL => {
  if (ops === undefined) throw new ConfigError('USAGE', 'top: wanted --ops HOST:PORT of the running program')
  return new URL(`http://${formatAddress(ops)}/v1/users`)
}

const printJson = async (io: TopIo, url: URL, once: boolean, signal: AbortSignal): Promise<void> => {
  const rates = new TopRates()
  rates.add(await fetchUsers(url, signal))
  for (;;) {
    await sleep(SECOND_MS, undefined, { signal })
    const report = await fetchUsers(url, signal)
    io.stdout.write(`${JSON.stringify({ ...report, users: rates.add(report) })}\n`)
    if (once) return
  }
}

const printTable = async (io: TopIo, url: URL, signal: AbortSignal): Promise<void> => {
  const rates = new TopRates()
  rates.add(await fetchUsers(url, signal))
  await sleep(SECOND_MS, undefined, { signal })
  const rows = rates.add(await fetchUsers(url, signal))
  const columns = io.stdout.columns || PLAIN_COLUMNS
  io.stdout.write(`${tableLines({ rows, sort: 'd', reversed: false }, columns).join('\n')}\n`)
}

/** The first report decides whether there is anything to show; later ones may fail and come back. */
const live = async ({ app, stdin, stdout }: TopIo, url: URL, quit: AbortController): Promise<void> => {
  const { signal } = quit
  const rates = new TopRates()
  let state: TopState = {
    title: app,
    uptimeMs: 0,
    total: 0,
    rows: [],
    sort: 'd',
    reversed: false,
    problem: undefined,
  }
  const look = async (): Promise<void> => {
    const report = await fetchUsers(url, signal)
    const { version, uptimeMs, total } = report
    state = {
      ...state,
      title: `${report.app} ${version}`,
      uptimeMs,
      total,
      rows: rates.add(report),
      problem: undefined,
    }
  }
  await look()
  using screen = new TopScreen(stdin, stdout, {
    onKey: (key) => {
      if (!Object.hasOwn(SORTS, key)) return
      state = { ...state, sort: key as SortKey, reversed: state.sort === key && !state.reversed }
      draw()
    },
    onResize: () => draw(),
    onQuit: () => quit.abort(),
  })
  const draw = (): void => screen.draw(topLines(state, screen.columns, screen.rows))
  for (;;) {
    draw()
    await sleep(SECOND_MS, undefined, { signal })
    await look().catch((error: unknown) => {
      state = { ...state, problem: String(Object(error).message) }
    })
    signal.throwIfAborted()
  }
}
