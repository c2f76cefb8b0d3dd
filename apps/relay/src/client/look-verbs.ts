import { createPeer } from './peer.ts'
import { called, identityAt, idSchema, peerOptions, pingSchema, statusSchema } from './peer-config.ts'
import { type HeldNote, PeerNotes } from './peer-notes.ts'
import type { PeerVerb } from './peer-verb.ts'
import { ping, type PingReply, type PingResult } from './ping.ts'
import { linesOf, lookAt } from './status.ts'

export const idVerb: PeerVerb = {
  words: 'id',
  about: 'Prints the ID of this peer; makes one where there is none yet.',
  schema: idSchema,
  examples: [{ does: 'The ID that others dial, and by which a relay knows a user:', line: 'id' }],
  run: async (input, { stdout }) => {
    const { config } = called('id', idSchema, input)
    const { id } = identityAt(config)
    stdout.write(config.json ? `${JSON.stringify({ id })}\n` : `${id}\n`)
    return 0
  },
}

export const statusVerb: PeerVerb = {
  words: 'status',
  about:
    'Tells which reservations are held here, and which relays can be reached, how fast and with which limits.',
  more: [
    'It logs in at each relay. What "peer listen" on the same --data holds is told as that has noted it, and left alone.',
  ],
  schema: statusSchema,
  examples: [
    { does: 'Whether two relays are there:', line: 'status --relay tls://a.example:443,tls://b.example:443' },
  ],
  run: async (input, { stdin, stdout }) => {
    const { config } = called('status', statusSchema, input)
    const peer = createPeer(await peerOptions(config, stdin))
    const looks = await lookAt(peer)
    const { held } = new PeerNotes(config.data)
    const text = config.json
      ? JSON.stringify({ id: peer.id, held, relays: looks })
      : [`this peer is ${peer.id}`, ...held.map(heldLine), ...linesOf(looks)].join('\n')
    stdout.write(`${text}\n`)
    return looks.every(({ ok }) => ok) ? 0 : 1
  },
}

export const pingVerb: PeerVerb = {
  words: 'ping ID',
  about: 'Tells how long it takes to have a circuit to another peer.',
  more: [
    'Each time it connects to a relay, logs in, has a circuit made and shakes hands with the other peer, so both peers ' +
      'and the relay have proven who they are. The other peer connects to its target as for any circuit, and nothing is sent.',
  ],
  schema: pingSchema,
  examples: [
    { does: 'Once, for a script:', line: 'ping ID --relay tls://relay.example.org:443 --count 1 --json' },
  ],
  run: async (input, { stdin, stdout }) => {
    const { config, peer: target } = called('ping', pingSchema, input, true)
    const peer = createPeer(await peerOptions(config, stdin))
    const say = (line: string): void => void stdout.write(`${line}\n`)
    const result = await ping(peer, target, config.count, (reply) => {
      if (!config.json) say(lineOf(reply))
    })
    say(config.json ? JSON.stringify(result) : summaryOf(result))
    return result.received > 0 ? 0 : 1
  },
}

const heldLine = ({ relay, until }: HeldNote): string =>
  `held: a reservation at ${relay} until ${new Date(until).toISOString()}`

const lineOf = (reply: PingReply): string =>
  'ms' in reply ? `${reply.ms} ms by ${reply.relay}` : (reply.why ?? reply.code)

const summaryOf = ({ sent, received, min, avg, max }: PingResult): string =>
  `${sent} asked, ${received} came back${received === 0 ? '' : `; least ${min}, mean ${avg}, most ${max} ms`}`
