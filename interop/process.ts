import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { SEARCH_PATH } from './programs.ts'

/** How a program ended, and what it wrote. */
export interface Ended {
  readonly status: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** Ends a program that hangs, so that a test says what it got instead of nothing. */
const RUN_MS = 30_000

/** Runs a program to its end; `input` is all of its standard input. */
export const run = async (
  command: string,
  args: readonly string[],
  input: string | Uint8Array = '',
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> => {
  const child = start(command, args, env)
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  // One that does not care for its input may have ended before it is written.
  child.stdin.on('error', () => {}).end(input)
  const timer = setTimeout(() => child.kill('SIGKILL'), RUN_MS)
  const [status] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  return { status, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }
}

/** Starts a program without waiting for anything. */
export const start = (
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): ChildProcessWithoutNullStreams =>
  // A proxy that the machine itself uses must not get between.
  spawn(command, args, { cwd, env: { PATH: SEARCH_PATH, HOME: '/nonexistent', LANG: 'C.UTF-8', ...env } })

/** Ends a program, gently where it listens. */
export const stop = async (child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
  child.kill(signal)
  await exited
  clearTimeout(timer)
}
