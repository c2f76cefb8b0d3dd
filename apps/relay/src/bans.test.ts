import { formatNodeId } from '@sluice/wire/relay'
import { describe, expect, it } from 'vitest'
import { Bans } from './bans.ts'

const ID = formatNodeId(new Uint8Array(32).fill(7))

function world(): { bans: Bans; pass: (ms: number) => void } {
  let now = 1_700_000_000_000
  return { bans: new Bans(() => now), pass: (ms) => (now += ms) }
}

describe('bans', () => {
  it('keep out a NodeID, a network, or one address', () => {
    const { bans } = world()
    for (const subject of [ID, '192.0.2.0/24', '2001:db8::7']) bans.add({ subject })
    expect(bans.ofId(ID)?.subject).toBe(ID)
    expect(bans.ofId(formatNodeId(new Uint8Array(32).fill(8)))).toBeUndefined()
    expect(bans.ofIp('::ffff:192.0.2.9')?.subject).toBe('192.0.2.0/24')
    expect(bans.ofIp('2001:db8::7')?.subject).toBe('2001:db8::7')
    expect(bans.ofIp('2001:db8::8')).toBeUndefined()
  })

  it('end at their time, at once, and are forgotten', () => {
    const { bans, pass } = world()
    for (const subject of [ID, '192.0.2.0/24']) bans.add({ subject, expiresAt: 1_700_000_001_000 })
    pass(999)
    expect([bans.ofId(ID), bans.ofIp('192.0.2.1')]).toHaveLength(2)
    expect(bans.list()).toHaveLength(2)
    pass(1)
    expect([bans.ofId(ID), bans.ofIp('192.0.2.1')]).toEqual([undefined, undefined])
    expect(bans.list()).toEqual([])
    expect(bans.lift(ID)).toBe(false)
  })

  it('are changed by adding them again, and lifted', () => {
    const { bans } = world()
    bans.add({ subject: ID, expiresAt: 1 })
    bans.add({ subject: ID, reason: 'floods' })
    expect(bans.list()).toEqual([{ subject: ID, reason: 'floods' }])
    expect([bans.lift(ID), bans.lift(ID)]).toEqual([true, false])
    expect(bans.list()).toEqual([])
  })

  it.each(['', 'example.com', '192.0.2.0/33', `${ID}x`, '1'.repeat(32)])('refuse %j', (subject) => {
    expect(() => world().bans.add({ subject })).toThrow(RangeError)
  })
})
