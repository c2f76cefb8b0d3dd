import { codecs } from '../../../libs/wire/src/testing/codecs.ts'
import { brokenLaw, type FuzzedCodec, type Verdict, verdictOf } from './codec-laws.ts'
import { Dice } from './dice.ts'
import type { FuzzRun } from './fuzz-run.ts'
import { mutate } from './mutation.ts'

const NOISE_BYTES = 600
/** Inputs of each codec between two looks at the clock. */
const BLOCK = 64

/** Feeds mutated samples and noise to every codec of the library. @returns the first flaw of each codec that has one */
export async function fuzzWire(run: FuzzRun): Promise<string[]> {
  return fuzzCodecs(codecs, run)
}

export function fuzzCodecs(those: readonly FuzzedCodec[], { seconds, cases, seed, say }: FuzzRun): string[] {
  const dice = new Dice(seed)
  const flaws = new Map<FuzzedCodec, string>()
  const seen: Record<Verdict['kind'], number> = { value: 0, more: 0, error: 0, flaw: 0 }
  const endsAt = performance.now() + seconds * 1000
  let each = 0
  do {
    for (const codec of those) {
      for (let i = 0; i < BLOCK && !flaws.has(codec); i += 1) {
        const input = makeInput(dice, codec)
        const whole = verdictOf(codec, input)
        const flaw = brokenLaw(codec, input, dice.below(input.length + 1), whole)
        if (flaw === undefined) seen[whole.kind] += 1
        else flaws.set(codec, `${codec.name}: ${flaw}\n  input: ${Buffer.from(input).toString('hex')}`)
      }
    }
    each += BLOCK
  } while ((performance.now() < endsAt || each < cases) && flaws.size < those.length)
  const { value, more, error } = seen
  say(
    `${those.length} codecs, ${each} inputs each: ${value} values, ${error} errors, and ${more} wanted more`,
  )
  return [...flaws.values()]
}

const makeInput = (dice: Dice, { sample }: FuzzedCodec): Uint8Array =>
  dice.once(8) ? dice.bytes(dice.below(NOISE_BYTES)) : mutate(dice, dice.pick(sample))
