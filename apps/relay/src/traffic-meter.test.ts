import { expect, it } from 'vitest'
import { TrafficMeter } from './traffic-meter.ts'

it('tells what passed in the last 10 s, and on average over longer', () => {
  let total = 0
  const meter = new TrafficMeter(() => total)
  const step = (bytes: number): void => {
    total += bytes
    meter.tick()
  }
  expect(meter.rates().kbps10s).toBe(0)
  step(1_250_000)
  expect(meter.rates()).toMatchObject({ kbps10s: 1000, kbps1m: 167, kbps60m: 3 })
  for (let i = 0; i < 360; i++) step(125_000)
  expect(meter.rates()).toEqual({
    kbps10s: 100,
    kbps1m: 100,
    kbps5m: 100,
    kbps15m: 100,
    kbps30m: 100,
    kbps60m: 100,
  })
  step(0)
  expect(meter.rates().kbps10s).toBe(0)
  meter.stop()
})
