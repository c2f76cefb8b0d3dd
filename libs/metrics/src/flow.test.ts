import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Flow } from './flow.ts'

describe('Flow', () => {
  it('counts each direction apart', () => {
    const flow = new Flow()
    flow.add('up', 3)
    flow.add('down', 5)
    flow.add('up', 1)
    expect(flow.read()).toEqual({ up: 4, down: 5 })
    expect({ up: flow.up, down: flow.down }).toEqual({ up: 4, down: 5 })
  })

  it('drains to zero and keeps the totals', () => {
    const flow = new Flow()
    flow.add('up', 3)
    expect(flow.drain()).toEqual({ up: 3, down: 0 })
    expect(flow.drain()).toEqual({ up: 0, down: 0 })
    flow.add('down', 7)
    expect(flow.drain()).toEqual({ up: 0, down: 7 })
    expect(flow.read()).toEqual({ up: 3, down: 7 })
  })

  it('takes bytes that a lane adds to the field itself', () => {
    const flow = new Flow()
    flow.down += 9
    expect(flow.drain()).toEqual({ up: 0, down: 9 })
  })

  it('hands out each byte exactly once, whenever it is drained', () => {
    const step = fc.oneof(
      fc.record({ direction: fc.constantFrom('up' as const, 'down' as const), bytes: fc.nat(2 ** 40) }),
      fc.constant('drain' as const),
    )
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const flow = new Flow()
        const counted = { up: 0, down: 0 }
        const billed = { up: 0, down: 0 }
        const bill = (): void => {
          const { up, down } = flow.drain()
          billed.up += up
          billed.down += down
        }
        for (const each of steps) {
          if (each === 'drain') bill()
          else {
            flow.add(each.direction, each.bytes)
            counted[each.direction] += each.bytes
          }
          expect(flow.read()).toEqual(counted)
        }
        bill()
        expect(billed).toEqual(counted)
      }),
    )
  })
})
