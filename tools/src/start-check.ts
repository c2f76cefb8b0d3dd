// Uses `npm start` the way its reader does: pastes each curl line that it prints, with a local origin as the target, and
// the line for ss-local, those for two peers of the relay, the one for the client of https-proxy and that for the client of
// nps-server, opens the ops URLs, presses Ctrl-C, and looks for anything left running. Ends with 1 at the first thing amiss.
// Wants curl, ss-local, and relay, https-proxy and nps-server as they are built.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify, stripVTControlCharacters } from 'node:util'
import { parseSsUri } from '@sluice/wire/shadowsocks'
import { freePort } from './subject/free-port.ts'

/** Ends what was started. */
type End = () => unknown

const READY_MS = 60_000
/** As is printed. */
const LOCAL_PORT = 3000
const STOP_MS = 30_000
const BODY = randomBytes(100_000)
/** In the environment of everything that `npm start` starts, so that what outlives it can be found. */
const MARK = randomUUID()

async function main(): Promise<void> {
  const origin = createServer((_request, answer) => answer.end(BODY)).listen(0, '127.0.0.1')
  await once(origin, 'listening')
  const address = origin.address()
  if (address === null || typeof address === 'string') throw new Error('the origin has no port')
  // Where the client of nps-server leads to.
  const local = createServer((_request, answer) => answer.end(BODY)).listen(LOCAL_PORT, '127.0.0.1')
  await once(local, 'listening')
  const started = spawn('npm', ['start', '--', '--allow', '127.0.0.0/8'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, START_CHECK: MARK },
  })
  const clients: End[] = []
  try {
    const lines = await readGreeting(started)
    const port = await freePort()
    clients.push(await runSsLocal(lines, port), await runToReady(lineOf(lines, TUNNEL_CLIENT)))
    const target = `http://127.0.0.1:${address.port}/`
    await useCurlLines(withLocalPort(lines, port), target)
    await useGetLine(lines, target)
    await usePeers(lines, address.port, clients)
    await openOpsUrls(lines)
    await pressControlC(started)
  } finally {
    for (const end of clients) end()
    for (const pid of leftRunning()) process.kill(pid, 'SIGKILL')
    origin.close()
    local.close()
  }
}

/** What is printed until there is a curl line for each protocol, and for a second after that. */
async function readGreeting(started: ChildProcess): Promise<string[]> {
  if (!started.stdout) throw new Error('no stdout')
  const lines: string[] = []
  const reader = createInterface(started.stdout)
  let timer = setTimeout(() => reader.close(), READY_MS)
  for await (const line of reader) {
    console.log(`  | ${line}`)
    lines.push(stripVTControlCharacters(line))
    if (!isComplete(lines)) continue
    clearTimeout(timer)
    timer = setTimeout(() => reader.close(), 1000)
  }
  clearTimeout(timer)
  if (!isComplete(lines)) throw new Error('not every curl line was printed')
  return lines
}

/**
 * SOCKS5, CONNECT, plain HTTP and SOCKS4A; through ss-local; https-proxy, as a proxy and by its API; and nps-server, by a tunnel
 * and a host.
 */
const LINES = [
  ...[/'socks5h:.*@/, /'http:.*:8889' https:/, /'http:.* http:/, /'socks4a:/, /127\.0\.0\.1:1080'/],
  ...[/'http:.*:8888' https:/, / --json /],
  ...[/ http:\/\/127\.0\.0\.1:\d+\/$/, / http:\/\/demo\.localhost:\d+\/$/],
]
const GET = /\bSLUICE_PASSWORD=.* get .*/
const TUNNEL_CLIENT = /\bprintf .* client run .*/
const SS_LOCAL = /\bss-local\s.*\S/

const PEERS = { listen: /\becho .* peer listen .*/, dial: /\becho .* peer dial .*/ } as const

const isComplete = (lines: string[]): boolean =>
  LINES.every((wanted) => curlLines(lines).some((line) => wanted.test(line))) &&
  [...Object.values(PEERS), GET, TUNNEL_CLIENT].every((wanted) => lines.some((line) => wanted.test(line)))

const curlLines = (lines: string[]): string[] => lines.flatMap((line) => /\bcurl\s.*\S/.exec(line)?.[0] ?? [])

/** Runs ss-local as printed, but for the port that it listens on. */
async function runSsLocal(lines: string[], port: number): Promise<End> {
  const command = lines.flatMap((line) => SS_LOCAL.exec(line)?.[0] ?? [])[0] ?? ''
  const { method, address } = parseSsUri(/ss:\/\/\S+/.exec(lines.join('\n'))?.[0] ?? '')
  if (!command.includes(` -p ${address.port} -m ${method} `))
    throw new Error(`not what the URI says: ${command}`)
  // exec: the signal that ends it is not for a shell.
  const script = `exec ${command.replace(/-l \d+/, `-l ${port}`)}`
  const child = spawn('sh', ['-c', script], { stdio: 'ignore' })
  await listening(port)
  console.log(`ok: ${command}`)
  return () => child.kill('SIGKILL')
}

/** Runs both peers as printed, but for where the one leads to and where the other listens, and fetches through them. */
async function usePeers(lines: string[], origin: number, clients: End[]): Promise<void> {
  const port = await freePort()
  const listen = await runToReady(
    lineOf(lines, PEERS.listen).replace(/127\.0\.0\.1:22$/, `127.0.0.1:${origin}`),
  )
  clients.push(listen)
  clients.push(await runToReady(lineOf(lines, PEERS.dial).replace(/127\.0\.0\.1:2222$/, `127.0.0.1:${port}`)))
  const answer = await fetch(`http://127.0.0.1:${port}/`)
  if (!Buffer.from(await answer.arrayBuffer()).equals(BODY)) throw new Error('other bytes through a circuit')
  console.log('ok: a circuit between the two peers')
}

const lineOf = (lines: string[], wanted: RegExp): string =>
  lines.flatMap((line) => wanted.exec(line)?.[0] ?? [])[0] ?? ''

/** Resolves when it says that it is ready. */
async function runToReady(command: string): Promise<End> {
  // A group of its own: the shell and what it pipes into end together.
  const child = spawn('sh', ['-c', command], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  const end = (): boolean => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL')
  const timer = setTimeout(end, READY_MS)
  try {
    for await (const line of createInterface(child.stdout)) if (line.includes('"msg":"ready"')) return end
  } finally {
    clearTimeout(timer)
  }
  throw new Error(`not ready: ${command}`)
}

const withLocalPort = (lines: string[], port: number): string[] =>
  lines.map((line) => line.replace("127.0.0.1:1080'", `127.0.0.1:${port}'`))

async function listening(port: number): Promise<void> {
  for (const endsAt = performance.now() + READY_MS; performance.now() < endsAt;) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch {
      await sleep(100)
    } finally {
      socket.destroy()
    }
  }
  throw new Error('ss-local does not listen: is shadowsocks-libev installed?')
}

async function useCurlLines(lines: string[], target: string): Promise<void> {
  for (const line of curlLines(lines)) {
    // The origin is none of https, for which curl would ask for a tunnel by itself.
    const tunnel = / https:\S+$/.test(line) ? '--proxytunnel ' : ''
    const command = `${withTarget(line, target)} ${tunnel}--fail --silent --show-error --max-time 20 --noproxy ''`
    const answer = await outputOf(command)
    check(line, line.includes(' --json ') ? bodyOf(answer) : answer)
  }
}

const bodyOf = (answer: Buffer): Buffer =>
  Buffer.from((JSON.parse(answer.toString()) as { body: string }).body, 'base64')

async function useGetLine(lines: string[], target: string): Promise<void> {
  const line = lineOf(lines, GET)
  check(line, await outputOf(withTarget(line, target)))
}

const withTarget = (line: string, target: string): string => line.replace(/https?:\/\/example\.com\//, target)

async function outputOf(command: string): Promise<Buffer> {
  const { stdout } = await promisify(execFile)('sh', ['-c', command], { encoding: 'buffer' })
  return stdout
}

function check(line: string, body: Buffer): void {
  if (!body.equals(BODY)) throw new Error(`other bytes than the origin's: ${line}`)
  console.log(`ok: ${line}`)
}

async function openOpsUrls(lines: string[]): Promise<void> {
  const urls = lines.flatMap((line) => line.match(/http:\/\/[^\s/@]+\/(?:healthz|readyz|metrics)\b/g) ?? [])
  if (urls.length === 0) throw new Error('no ops URL was printed')
  for (const url of urls) {
    const answer = await fetch(url)
    if (!answer.ok) throw new Error(`${url} answers ${answer.status}`)
    console.log(`ok: ${url}`)
  }
}

/** npm may be gone a moment before what it has started. */
const LEFT_MS = 5000

/** A terminal sends Ctrl-C to the whole foreground group, npm and program alike. */
async function pressControlC(started: ChildProcess): Promise<void> {
  if (started.pid === undefined) throw new Error('npm did not start')
  const exited = once(started, 'exit', { signal: AbortSignal.timeout(STOP_MS) })
  process.kill(-started.pid, 'SIGINT')
  await exited
  for (const endsAt = performance.now() + LEFT_MS; performance.now() < endsAt; await sleep(100))
    if (leftRunning().length === 0) break
  const left = leftRunning()
  if (left.length > 0) throw new Error(`still running after Ctrl-C: ${left.join(', ')}`)
  console.log('ok: Ctrl-C leaves nothing running')
}

function leftRunning(): number[] {
  return globSync('/proc/[0-9]*/environ').flatMap((file) => {
    try {
      return readFileSync(file, 'latin1').includes(`START_CHECK=${MARK}`) ? Number(file.split('/')[2]) : []
    } catch {
      return []
    }
  })
}

await main()
