import { createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Daemon } from './daemon.ts'
import { NetSpace } from './net-space.ts'
import { type Ended, run, start, stop } from './process.ts'
import { PYTHON } from './programs.ts'
import { RELAY_MAIN } from './relay.ts'
import { temporaryFolder } from './sluice.ts'

// Two machines that can reach nothing but the relay, each in a network of its own, and a third that means ill.

const GIGABYTE = 1_000_000_000
const PEER = join(import.meta.dirname, 'relay_peer.py')
const README = readFileSync(join(import.meta.dirname, '../apps/relay/README.md'), 'utf8')
const folder = temporaryFolder()
const started: ChildProcessWithoutNullStreams[] = []
const daemons: Daemon[] = []
const spaces: NetSpace[] = []

/** Where the relay is, seen from each of the others. */
let at: Record<'home' | 'work' | 'evil', string>
let home: NetSpace
let work: NetSpace
let evil: NetSpace
let middle: NetSpace
let relay: Daemon
let far: Daemon
let homeId = ''
/** Ports of the machine at work that lead to the one at home. */
let shellPort = ''
let filePort = ''

const runIn = ({ within }: NetSpace, ...command: string[]): Promise<Ended> => {
  const [program = '', ...args] = [...within, ...command]
  return run(program, args)
}
const startIn = ({ within }: NetSpace, ...command: string[]): ChildProcessWithoutNullStreams => {
  const [program = '', ...args] = [...within, ...command]
  const child = start(program, args)
  started.push(child)
  return child
}
const relayIn = async (space: NetSpace, ...args: string[]): Promise<Daemon> => {
  const daemon = await Daemon.start([RELAY_MAIN, ...args], {}, undefined, space.within)
  daemons.push(daemon)
  return daemon
}
const dataOf = (name: string): string[] => ['--data', join(folder, name)]
const idOf = async (name: string): Promise<string> => {
  const { stdout } = await run(process.execPath, [RELAY_MAIN, 'peer', 'id', '--json', ...dataOf(name)])
  return (JSON.parse(stdout.toString()) as { id: string }).id
}
/** The public key of a peer, in hex. */
const keyOf = (name: string): string => {
  const spki = createPublicKey(readFileSync(join(folder, name, 'peer-identity.pem'), 'utf8'))
  return spki.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')
}
const portOf = (daemon: Daemon): string => daemon.listener('local').split(':')[1]!

/** A command of the README, as it stands there but for these texts. @returns what stands behind the program */
const ofReadme = (command: string, texts: Readonly<Record<string, string>>): string[] => {
  const start = `node apps/relay/dist/main.mjs ${command} `
  const line = README.split('\n').find((each) => each.startsWith(start))
  if (line === undefined) throw new Error(`the README has no ${command}`)
  const words = line.split(' ').slice(2)
  const missing = Object.keys(texts).filter((text) => !words.includes(text))
  if (missing.length > 0) throw new Error(`${line} lacks ${missing.join(', ')}`)
  return words.map((word) => texts[word] ?? word)
}

/** Both commands. @returns the end at home, and the port at work that leads to this port at home */
const forward = async (port: number, name: string): Promise<{ far: Daemon; port: string }> => {
  const there = await idOf(`home-${name}`)
  const here = await idOf('work')
  const url = 'tls://relay.example.org:443'
  const listen = ofReadme('peer listen', {
    [url]: `tls://${at.home}:443`,
    '127.0.0.1:22': `127.0.0.1:${port}`,
  })
  const farEnd = await relayIn(home, ...listen, '--allow-peer', here, ...dataOf(`home-${name}`))
  const dial = ofReadme('peer dial', {
    ...{ ID: there, [url]: `tls://${at.work}:443`, '127.0.0.1:2222': '127.0.0.1:0' },
  })
  const near = await relayIn(work, ...dial, ...dataOf('work'))
  return { far: farEnd, port: portOf(near) }
}

beforeAll(async () => {
  for (const name of ['home', 'work', 'evil', 'middle']) spaces.push(new NetSpace(name))
  ;[home, work, evil, middle] = spaces as [NetSpace, NetSpace, NetSpace, NetSpace]
  at = { home: home.connect(middle, 1), work: work.connect(middle, 2), evil: evil.connect(middle, 3) }
  const listen = ['--listen', 'tls://0.0.0.0:443', '--open', '--preset', 'private']
  relay = await relayIn(middle, ...listen, '--ops', '127.0.0.1:0', ...dataOf('relay'))
  const shell = "EXEC:'/bin/sh -i',pty,stderr,setsid,sigint,sane"
  startIn(home, 'socat', 'TCP-LISTEN:2222,bind=127.0.0.1,fork,reuseaddr', shell)
  homeId = await idOf('home-shell')
  ;({ port: shellPort, far } = await forward(2222, 'shell'))
  ;({ port: filePort } = await forward(9000, 'file'))
})
afterAll(async () => {
  for (const daemon of daemons) await daemon.kill()
  for (const child of started) await stop(child)
  for (const space of spaces) space[Symbol.dispose]()
  rmSync(folder, { recursive: true, force: true })
})

/** A session with the shell at home, from the machine at work. */
class Session {
  readonly #child: ChildProcessWithoutNullStreams
  #heard = ''
  #wake = (): void => {}

  constructor() {
    this.#child = startIn(work, 'socat', '-', `TCP:127.0.0.1:${shellPort}`)
    this.#child.stdout.on('data', (chunk) => {
      this.#heard += String(chunk)
      this.#wake()
    })
  }

  /** Types this, and waits until that is shown. @returns how long it took, ms */
  async type(keys: string, shown: RegExp): Promise<number> {
    const begun = performance.now()
    this.#heard = ''
    this.#child.stdin.write(keys)
    while (!shown.test(this.#heard)) await new Promise<void>((resolve) => (this.#wake = resolve))
    return performance.now() - begun
  }

  /** Types key by key. @returns the median time until each is shown, ms */
  async latency(): Promise<number> {
    const times: number[] = []
    for (let at = 0; at < 60; at += 1) times.push(await this.type('x', /x/))
    // The line is taken back.
    this.#child.stdin.write('\x15')
    return times.toSorted((one, other) => one - other)[30]!
  }

  async bye(): Promise<number | null> {
    this.#child.stdin.write('exit\n')
    const [status] = (await once(this.#child, 'close')) as [number | null]
    return status
  }
}

test('the machines reach the relay, and not each other', async () => {
  const reach = (space: NetSpace, address: string): Promise<Ended> =>
    runIn(space, 'nc', '-z', '-w', '1', address, '443')
  expect((await reach(home, at.home)).status).toBe(0)
  expect((await reach(work, at.work)).status).toBe(0)
  const others = [reach(work, '198.18.1.1'), reach(evil, '198.18.1.1'), reach(evil, '198.18.2.1')]
  for (const { status } of await Promise.all(others)) expect(status).toBe(1)
})

test('an interactive session works', async () => {
  const session = new Session()
  await session.type('echo "$((6 * 7)) $(hostname -s >/dev/null && echo here)"\n', /42 here/)
  expect(await session.latency()).toBeLessThan(40)
  expect(await session.bye()).toBe(0)
})

test('a file of 1 GB arrives as it is, while a session goes on', { timeout: 240_000 }, async () => {
  const source = `openssl enc -aes-128-ctr -K ${'5a'.repeat(16)} -iv ${'00'.repeat(16)} -in /dev/zero 2>/dev/null | head -c ${GIGABYTE}`
  const file = join(folder, 'file')
  const made = await run('sh', ['-c', `${source} | tee ${file} | sha256sum`], '', {}, 100_000)
  const wanted = made.stdout.toString().slice(0, 64)
  startIn(home, 'socat', '-u', '-b', '262144', `OPEN:${file}`, 'TCP-LISTEN:9000,bind=127.0.0.1,reuseaddr')
  const session = new Session()
  await session.type('echo $((6 * 7))\n', /42/)
  const child = startIn(work, 'sh', '-c', `socat -u -b 262144 TCP:127.0.0.1:${filePort} - | sha256sum`)
  const summed = once(createInterface(child.stdout), 'line')
  expect(await session.latency()).toBeLessThan(250)
  const [sum] = (await summed) as [string]
  expect(sum.slice(0, 64)).toBe(wanted)
  expect(await session.bye()).toBe(0)
})

test('a machine that means ill gets in the way of neither', async () => {
  const session = new Session()
  await session.type('echo $((6 * 7))\n', /42/)
  const url = `tls://${at.evil}:443`

  const dialled = await runIn(
    evil,
    ...[process.execPath, RELAY_MAIN, 'peer', 'dial', homeId, '--relay', url, '--stdio', ...dataOf('evil')],
  )
  expect(dialled.status).toBe(1)
  expect(dialled.stdout.length).toBe(0)
  const python = (...args: string[]): Promise<Ended> => runIn(evil, PYTHON, PEER, ...args)
  const host = at.evil
  expect((await python('dial', host, '443', homeId, 'plain')).stdout.toString()).toContain('connected 13')
  expect((await python('forge', host, '443', keyOf('home-shell'))).stdout.toString()).toContain('welcome 11')
  expect((await python('steal', host, '443')).stdout.toString()).toContain('accepted 18')

  // Many that say nothing.
  const flood = `for i in $(seq 60); do socat -u TCP:${host}:443 - & done; sleep 2; kill $(jobs -p)`
  const flooded = runIn(evil, 'bash', '-c', flood)
  expect(await session.latency()).toBeLessThan(250)
  await flooded

  expect(await session.type('echo $((7 * 7))\n', /49/)).toBeLessThan(5000)
  expect(await session.bye()).toBe(0)
  expect(far.log).not.toContain('"level":"error"')
  expect(relay.log).not.toContain('"level":"error"')
})
