import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { SEARCH_PATH } from './programs.ts'

/** How a program ended, and what it wrote. */
export interface Ended {
  readonly status: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** Ends a program that hangs, so that a test of a minute says what it got instead of nothing. */
const RUN_MS = 50_000

/** Runs a program to its end, or as long as it may take; `input` is all of its standard input. */
export const run = async (
  command: string,
  args: readonly string[],
  input: string | Uint8Array = '',
  env: Readonly<Record<string, string>> = {},
  mostMs: number = RUN_MS,
): Promise<Ended> => {
  const child = start(command, args, env)
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  // One that does not care for its input may have ended before it is written.
  child.stdin.on('error', () => {}).end(input)
  const timer = setTimeout(() => child.kill('SIGKILL'), mostMs)
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

/** By then a program that was told to stop has written what it had to, on a slow disk too. */
const STOP_MS = 20_000

/** Ends a program, gently where it listens. */
export const stop = async (child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  child.kill(signal)
  await exited
  clearTimeout(timer)
}
