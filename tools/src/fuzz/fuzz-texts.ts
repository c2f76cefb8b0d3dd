import { Dice } from './dice.ts'
import type { FuzzRun } from './fuzz-run.ts'
import { mutate } from './mutation.ts'
import { type FuzzedParser, parserFlaw, parsers } from './parsers.ts'

const NOISE_BYTES = 200
/** Inputs of each parser between two looks at the clock. */
const BLOCK = 64

/** Feeds damaged texts to whatever reads texts. @returns the first flaw of each parser that has one */
export async function fuzzTexts(run: FuzzRun): Promise<string[]> {
  return fuzzParsers(parsers, run)
}

export function fuzzParsers(
  those: readonly FuzzedParser[],
  { seconds, cases, seed, say }: FuzzRun,
): string[] {
  const dice = new Dice(seed)
  const flaws = new Map<FuzzedParser, string>()
  const endsAt = performance.now() + seconds * 1000
  let each = 0
  let values = 0
  do {
    for (const parser of those) {
      for (let i = 0; i < BLOCK && !flaws.has(parser); i += 1) {
        const text = makeText(dice, parser)
        const { flaw, isValue } = parserFlaw(parser, text)
        if (isValue) values += 1
        if (flaw !== undefined) flaws.set(parser, `${parser.name}: ${flaw}\n  input: ${JSON.stringify(text)}`)
      }
    }
    each += BLOCK
  } while ((performance.now() < endsAt || each < cases) && flaws.size < those.length)
  say(`${those.length} parsers, ${each} texts each, of which ${values} were taken`)
  return [...flaws.values()]
}

/** Some are bytes that stand for themselves, some are UTF-8. */
const makeText = (dice: Dice, { sample }: FuzzedParser): string => {
  const bytes = dice.once(8)
    ? dice.bytes(dice.below(NOISE_BYTES))
    : mutate(dice, Buffer.from(dice.pick(sample)))
  return Buffer.from(bytes).toString(dice.once(2) ? 'latin1' : 'utf8')
}
