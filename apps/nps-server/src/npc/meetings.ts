import { isIPv4 } from 'node:net'
import type { OnDatagram } from '@sluice/net'
import type { DatagramListener, Program } from '@sluice/service'
import type { Address } from '@sluice/wire'
import {
  decodeNpcMeeting,
  encodeNpcMeetingAnswer,
  NPC_RENDEZVOUS_PORTS,
  type NpcMeeting,
} from '@sluice/wire/npc'

/** From the word of it until both sides have found each other. */
const MEETING_MS = 20_000
const MAX_MEETINGS = 1024
const MAX_TRIES = 10

/** Who has come to one of the ports. */
type Sides = { [Role in NpcMeeting['role']]?: Address }

interface Meeting {
  readonly until: number
  readonly ports: readonly Sides[]
}

export interface NpcMeetingsOptions {
  readonly program: Pick<Program, 'datagrams'>
  /** Of the first port; the others follow it. */
  readonly address: Address
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number
}

/**
 * Where a visitor and a program of npc's kind learn from where the other one's datagrams come, so that they can go on without us.
 * Three ports, as how a NAT counts shows in what they see. Who was not told of a meeting gets no answer, and no answer is longer
 * than its question.
 */
export class NpcMeetings {
  /** Of the first port. */
  readonly address: Address
  readonly #now: () => number
  readonly #listeners: readonly DatagramListener[]
  /** By MD5 of the password, the oldest first. */
  readonly #meetings: Map<string, Meeting>

  /** @throws the system's error */
  static async open(options: NpcMeetingsOptions): Promise<NpcMeetings> {
    // Behind a port of the system's choice others may be taken.
    for (let tries = options.address.port === 0 ? MAX_TRIES : 1; ; tries--) {
      try {
        return await openAll(options)
      } catch (error) {
        if (tries === 1) throw error
      }
    }
  }

  /** @internal */
  constructor(listeners: readonly DatagramListener[], meetings: Map<string, Meeting>, now: () => number) {
    this.#listeners = listeners
    this.#meetings = meetings
    this.#now = now
    this.address = listeners[0]!.address
  }

  /** Both sides are about to be told to come. */
  begin(passwordMd5: string): void {
    const meetings = this.#meetings
    meetings.delete(passwordMd5)
    for (const oldest of meetings.keys()) if (meetings.size >= MAX_MEETINGS) meetings.delete(oldest)
    const ports = this.#listeners.map((): Sides => ({}))
    meetings.set(passwordMd5, { until: this.#now() + MEETING_MS, ports })
  }

  close(): void {
    for (const listener of this.#listeners) listener.close()
  }
}

const openAll = async ({
  program,
  address: { host, port },
  now = performance.now.bind(performance),
}: NpcMeetingsOptions): Promise<NpcMeetings> => {
  const meetings = new Map<string, Meeting>()
  const listeners: DatagramListener[] = []
  try {
    for (let at = 0; at < NPC_RENDEZVOUS_PORTS; at++) {
      const address = { host, port: (listeners[0]?.address.port ?? port) + at }
      const answer: OnDatagram = (bytes, from, fromPort) =>
        answerTo(bytes, { host: from, port: fromPort }, { at, listener: listeners[at]!, meetings, now })
      listeners.push(await program.datagrams('npc-p2p', address, answer, { announce: at === 0 }))
    }
    return new NpcMeetings(listeners, meetings, now)
  } catch (error) {
    for (const listener of listeners) listener.close()
    throw listeners.length === 0 ? error : behindFirst(error)
  }
}

/** No setting has the other ports. */
const behindFirst = (cause: unknown): Error => {
  const { code, message } = cause as NodeJS.ErrnoException
  const text = `--p2p has ${NPC_RENDEZVOUS_PORTS} ports in a row: ${message}`
  return Object.assign(new Error(text, { cause }), { code })
}

interface Port {
  readonly at: number
  readonly listener: DatagramListener
  readonly meetings: ReadonlyMap<string, Meeting>
  readonly now: () => number
}

const answerTo = (bytes: Uint8Array, from: Address, { at, listener, meetings, now }: Port): void => {
  const asked = meetingOf(bytes)
  const meeting = asked && meetings.get(asked.passwordMd5)
  // Its addresses have no brackets for IPv6.
  if (asked === undefined || meeting === undefined || now() > meeting.until || !isIPv4(from.host)) return
  const sides = meeting.ports[at]!
  sides[asked.role] = from
  const { visitor, provider } = sides
  if (visitor === undefined || provider === undefined) return
  tell(listener, visitor, provider)
  tell(listener, provider, visitor)
}

const tell = (listener: DatagramListener, to: Address, { host, port }: Address): void => {
  listener.send(encodeNpcMeetingAnswer(`${host}:${port}`), to.host, to.port)
}

const meetingOf = (bytes: Uint8Array): NpcMeeting | undefined => {
  try {
    return decodeNpcMeeting(bytes)?.value
  } catch {
    return undefined
  }
}
