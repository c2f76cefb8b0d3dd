import { codecs } from '../../../libs/wire/src/testing/codecs.ts'
import { brokenLaw, type FuzzedCodec, type Verdict, verdictOf } from './codec-laws.ts'
import { Dice } from './dice.ts'
import type { FuzzRun } from './fuzz-run.ts'
import { mutate } from './mutation.ts'

const NOISE_BYTES = 600
/** Inputs between two looks at the clock. */
const BLOCK = 256

/** Feeds mutated samples and noise to every codec of the library. @returns the first flaw of each codec that has one */
export async function fuzzWire(run: FuzzRun): Promise<string[]> {
  return fuzzCodecs(codecs, run)
}

export function fuzzCodecs(those: readonly FuzzedCodec[], { seconds, seed, say }: FuzzRun): string[] {
  const dice = new Dice(seed)
  const flaws = new Map<FuzzedCodec, string>()
  const seen: Record<Verdict['kind'], number> = { value: 0, more: 0, error: 0, flaw: 0 }
  const endsAt = performance.now() + seconds * 1000
  do {
    const sound = those.filter((codec) => !flaws.has(codec))
    for (let i = 0; i < BLOCK && sound.length > 0; i += 1) {
      const codec = dice.pick(sound)
      const input = makeInput(dice, codec)
      const flaw = brokenLaw(codec, input, dice.below(input.length + 1))
      if (flaw === undefined) seen[verdictOf(codec, input).kind] += 1
      else flaws.set(codec, `${codec.name}: ${flaw}\n  input: ${Buffer.from(input).toString('hex')}`)
    }
  } while (performance.now() < endsAt && flaws.size < those.length)
  const { value, more, error } = seen
  say(`${those.length} codecs gave ${value} values, ${error} errors and wanted more ${more} times`)
  return [...flaws.values()]
}

const makeInput = (dice: Dice, { sample }: FuzzedCodec): Uint8Array =>
  dice.once(8) ? dice.bytes(dice.below(NOISE_BYTES)) : mutate(dice, dice.pick(sample))
