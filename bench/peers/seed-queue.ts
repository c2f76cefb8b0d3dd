import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CACHE } from '../load.ts'
import { accepting, freePort, launch, untilReady } from '../process.ts'
import { type Peer, checkInstalled } from './peer.ts'

const REQUESTS = '2.34.2'
const FOLDER = join(CACHE, `requests-${REQUESTS}`)
const PYTHON = join(FOLDER, 'bin/python3')
const SCRIPT = join(import.meta.dirname, 'seed-queue.py')
/** Connections, queue, workers, timeouts: the defaults that it and ours have in common. */
const DEFAULTS = ['10000', '50000', '100', '30', '30']

/** The design that https-proxy follows, in Python: asyncio, a queue, threads with `requests`. No checks, no pools. */
function queueIn(name: string, environment: readonly string[]): Peer {
  return {
    name,
    mode: 'compat',
    optional: true,
    check: install,
    version: () =>
      `${execFileSync(PYTHON, ['--version'], { encoding: 'utf8' }).trim()}, requests ${REQUESTS}`,
    async start({ dir }) {
      const port = await freePort()
      const args = [...environment, PYTHON, SCRIPT, String(port), '127.0.0.1', ...DEFAULTS]
      const program = launch('env', args, join(dir, `${name}.log`))
      return { program, port: await untilReady(program, () => accepting(port)) }
    },
  }
}

/** As it runs here. Where OpenSSL has all its authorities in one file, each request reads that, to check nothing by it. */
export const seedQueue: Peer = queueIn('python-queue', [])
/** In its favour: OpenSSL is told that there are no authorities. */
export const seedQueueLean: Peer = queueIn('python-queue-lean', [
  ...['-u', 'REQUESTS_CA_BUNDLE', '-u', 'CURL_CA_BUNDLE', '-u', 'SSL_CERT_DIR', 'SSL_CERT_FILE=/dev/null'],
])

function install(): void {
  checkInstalled('python3', 'python3-venv')
  if (existsSync(join(FOLDER, 'done'))) return
  try {
    execFileSync('python3', ['-m', 'venv', FOLDER], { stdio: 'pipe' })
    execFileSync(PYTHON, ['-m', 'pip', 'install', '--quiet', `requests==${REQUESTS}`], { stdio: 'pipe' })
    execFileSync('touch', [join(FOLDER, 'done')])
  } catch (cause) {
    throw new Error(`pip cannot fetch requests==${REQUESTS}`, { cause })
  }
}
