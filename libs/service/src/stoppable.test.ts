import { expect, it } from 'vitest'
import { Stoppable } from './stoppable.ts'

class Runner extends Stoppable {
  stop(): void {
    this.tellStop(new Error('over'))
  }
}

it('is told once, to who listens or to the next who does', () => {
  const told: string[] = []
  const runner = new Runner()
  runner.onStop = () => void told.push('first')
  runner.stop()
  runner.onStop = undefined
  runner.onStop = () => void told.push('second')
  expect(told).toEqual(['first'])
  const late = new Runner()
  late.stop()
  late.onStop = undefined
  for (const name of ['late', 'later']) late.onStop = ({ message }) => void told.push(`${name} ${message}`)
  expect(told).toEqual(['first', 'late over'])
})
