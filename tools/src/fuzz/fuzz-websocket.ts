import { frame, MAX_MESSAGE, OPCODE } from '../../../libs/net/src/ws/frame.ts'
import { EVENT, FrameScan } from '../../../libs/net/src/ws/frame-scan.ts'
import { Dice } from './dice.ts'
import type { FuzzRun } from './fuzz-run.ts'
import { mutate } from './mutation.ts'

/** Inputs between two looks at the clock. */
const BLOCK = 64
const NOISE_BYTES = 600
const LONGEST = 300

/** What a scan makes of some octets. */
interface Scanned {
  readonly payload: string
  readonly events: string
}

/**
 * Frames, damaged frames and noise, in portions of any size: what comes of them must not depend on the portions, be more
 * than went in, or end in anything but an event.
 * @returns the first flaw
 */
export function fuzzWebSocket({ seconds, cases, seed, say }: FuzzRun): Promise<string[]> {
  const dice = new Dice(seed)
  const endsAt = performance.now() + seconds * 1000
  const seen = { whole: 0, failed: 0 }
  let flaw: string | undefined
  let made = 0
  do {
    for (let i = 0; i < BLOCK && flaw === undefined; i += 1, made += 1) {
      const masked = dice.once(2)
      const input = makeInput(dice, masked)
      flaw = flawOf(dice, input, masked, seen)
    }
  } while ((performance.now() < endsAt || made < cases) && flaw === undefined)
  say(`${made} inputs: ${seen.whole} without a fault, ${seen.failed} refused`)
  return Promise.resolve(flaw === undefined ? [] : [flaw])
}

const makeInput = (dice: Dice, masked: boolean): Uint8Array => {
  if (dice.once(8)) return dice.bytes(dice.below(NOISE_BYTES))
  const frames = Array.from({ length: 1 + dice.below(5) }, () => someFrame(dice, masked))
  const bytes = Buffer.concat(frames)
  return dice.once(3) ? bytes : mutate(dice, bytes)
}

const someFrame = (dice: Dice, masked: boolean): Uint8Array => {
  const opcode = dice.pick([OPCODE.BINARY, OPCODE.BINARY, OPCODE.PING, OPCODE.PONG, OPCODE.CLOSE])
  const most = opcode === OPCODE.BINARY ? LONGEST : 125
  return frame(opcode, dice.bytes(dice.below(most + 1)), masked ? dice.below(2 ** 31) : undefined)
}

function flawOf(
  dice: Dice,
  input: Uint8Array,
  masked: boolean,
  seen: { whole: number; failed: number },
): string | undefined {
  const told = (what: string): string => `${what}\n  input: ${Buffer.from(input).toString('hex')}`
  try {
    const whole = scan(input, masked, () => input.length)
    const parts = scan(input, masked, () => 1 + dice.below(20))
    if (whole.payload !== parts.payload || whole.events !== parts.events) return told('portions matter')
    if (whole.payload.length > input.length) return told('more comes out than went in')
    if (whole.events.endsWith('5')) seen.failed += 1
    else seen.whole += 1
    return undefined
  } catch (error) {
    return told(error instanceof Error ? String(error.stack) : String(error))
  }
}

function scan(input: Uint8Array, masked: boolean, portion: () => number): Scanned {
  const scanner = new FrameScan({ masked, maxMessage: MAX_MESSAGE })
  let payload = ''
  let events = ''
  for (let at = 0; at < input.length;) {
    const chunk = Buffer.from(input.subarray(at, at + portion()))
    at += chunk.length
    for (let next = 0; next < chunk.length;) {
      const before = next
      next = scanner.take(chunk, next)
      payload += chunk.toString('latin1', scanner.from, scanner.to)
      if (scanner.event === EVENT.FAILED)
        return { payload, events: `${events} ${payload.length}:${EVENT.FAILED}` }
      if (scanner.event !== EVENT.NONE) {
        events += ` ${payload.length}:${Buffer.from(scanner.control).toString('hex')}:${scanner.event}`
      } else if (next === before) throw new Error('the scan does not go on')
    }
  }
  return { payload, events }
}
