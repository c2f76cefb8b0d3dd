import { expect, it } from 'vitest'
import { fuzzForms, type FuzzedForm, fuzzShadowsocks } from './fuzz-shadowsocks.ts'

const run = { seconds: 0, cases: 64, seed: 1, say: (): void => undefined }

it('finds nothing wrong with ours', async () => {
  expect(await fuzzShadowsocks(run)).toEqual([])
})

it('tells the first flaw of each form', () => {
  let calls = 0
  const sound: FuzzedForm = { name: 'sound', attempt: () => undefined }
  const odd: FuzzedForm = {
    name: 'odd',
    attempt: (dice) => {
      calls += 1
      return dice.below(4) === 3 ? `call ${calls}` : undefined
    },
  }
  expect(fuzzForms([sound, odd], run)).toEqual([expect.stringMatching(/^odd: call \d+$/)])
  expect(calls).toBeLessThan(64)
})
