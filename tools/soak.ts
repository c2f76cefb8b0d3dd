// `npm run soak [-- NAME …] [-- --minutes N]`: a program under a steady mix of everything, and what is left of it then.
import { readCommandLine, runCommand } from './src/command-line.ts'
import { type SoakedDoor, soakDoor, type SoakRun } from './src/soak/soak-door.ts'
import { soakedHttpsProxy } from './src/soak/soak-https-proxy.ts'
import { soakedNpsServer } from './src/soak/soak-nps-server.ts'
import { soakedRelay } from './src/soak/soak-relay.ts'
import { soakedRemoteProxy } from './src/soak/soak-remote-proxy.ts'
import { soakedSsNode } from './src/soak/soak-ss-node.ts'

const DOORS: readonly SoakedDoor[] = [
  soakedRemoteProxy,
  soakedSsNode,
  soakedRelay,
  soakedHttpsProxy,
  soakedNpsServer,
]
const FLAGS = { minutes: { least: 0.25, most: 10_000, otherwise: 1 } }

async function main(): Promise<boolean> {
  const { names, numbers } = readCommandLine(
    process.argv.slice(2),
    DOORS.map(({ app }) => app),
    FLAGS,
  )
  let isSound = true
  for (const name of names) isSound = (await soak(name, numbers)) && isSound
  return isSound
}

async function soak(name: string, run: Omit<SoakRun, 'say'>): Promise<boolean> {
  const say = (line: string): void => console.log(`soak ${name}: ${line}`)
  say(`${run.minutes} min`)
  const door = DOORS.find(({ app }) => app === name)
  const flaws = door === undefined ? [] : await soakDoor({ ...run, say }, door)
  for (const flaw of flaws) console.error(`soak ${name}: ${flaw}`)
  say(flaws.length === 0 ? 'ok' : 'failed')
  return flaws.length === 0
}

await runCommand('soak', main)
