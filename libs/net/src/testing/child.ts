import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface Child extends AsyncDisposable {
  /** The next line that it prints. */
  readonly line: () => Promise<string>
  readonly say: (text: string) => void
}

const NODE_FLAGS = ['--conditions=@sluice/source', '--experimental-strip-types', '--no-warnings']

/**
 * Runs a program of this folder. Disposing closes its input, with which it is to end.
 * @param maxFiles as in `ulimit -n`
 */
export const run = (program: string, args: readonly string[], maxFiles?: number): Child => {
  const file = fileURLToPath(new URL(program, import.meta.url))
  const script = maxFiles === undefined ? 'exec "$0" "$@"' : `ulimit -n ${maxFiles}; exec "$0" "$@"`
  const child = spawn('bash', ['-c', script, process.execPath, ...NODE_FLAGS, file, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    line: async () => {
      const { value, done } = await lines.next()
      if (done) throw new Error(`${program} has ended`)
      return value
    },
    say: (text) => void child.stdin.write(text),
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit')
      child.stdin.end()
      await gone
    },
  }
}

/** A port that answers no connect, until this is disposed. */
export const deafPort = async (host: string, port = 0): Promise<{ port: number } & AsyncDisposable> => {
  const child = run('./deaf-listener.ts', [host, String(port)])
  const address = JSON.parse(await child.line()) as { port: number }
  const queued: Socket[] = []
  for (let i = 0; i < 2; i++) {
    const socket = connect({ host, port: address.port }).on('error', () => {})
    queued.push(socket)
    await once(socket, 'connect')
  }
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of queued) socket.destroy()
      await child[Symbol.asyncDispose]()
    },
  }
}
