import { EventEmitter } from 'node:events'
import { beforeEach, describe, expect, it } from 'vitest'
import { Signals } from './signals.ts'
import { settled } from './testing/memory-conn.ts'

describe('Signals', () => {
  let system: EventEmitter
  let said: string[]
  let stopped: PromiseWithResolvers<void>
  let signals: Signals

  beforeEach(() => {
    system = new EventEmitter()
    said = []
    stopped = Promise.withResolvers()
    signals = new Signals(system)
  })

  const run = (): Promise<0 | 1> =>
    signals.run({
      stop: () => {
        said.push('stop')
        return stopped.promise
      },
      hurry: () => void said.push('hurry'),
      reload: () => void said.push('reload'),
      crashed: (error) => void said.push(`crashed: ${String(error)}`),
    })

  it.each(['SIGTERM', 'SIGINT'])('stops on %s, and hurries on the next', async (name) => {
    const code = run()
    await settled()
    expect(said).toEqual([])
    system.emit(name)
    await settled()
    system.emit('SIGINT')
    system.emit('SIGTERM')
    expect(said).toEqual(['stop', 'hurry', 'hurry'])
    stopped.resolve()
    expect(await code).toBe(0)
  })

  it('stops at once what was told to stop while it started', async () => {
    system.emit('SIGTERM')
    stopped.resolve()
    expect(await run()).toBe(0)
    expect(said).toEqual(['stop'])
  })

  it('reloads on SIGHUP, where there is something to reload', async () => {
    system.emit('SIGHUP')
    const code = run()
    system.emit('SIGHUP')
    system.emit('SIGHUP')
    system.emit('SIGTERM')
    stopped.resolve()
    await code
    expect(said).toEqual(['reload', 'reload', 'stop'])
  })

  it.each(['uncaughtException', 'unhandledRejection'])('ends with 1 at once on %s', async (name) => {
    const code = run()
    system.emit(name, new Error('bug'))
    await settled()
    expect(said).toEqual(['crashed: Error: bug', 'hurry', 'stop'])
    stopped.resolve()
    expect(await code).toBe(1)
  })

  it('ends with 1 where that happens during the stop', async () => {
    const code = run()
    system.emit('SIGTERM')
    await settled()
    system.emit('uncaughtException', new Error('bug'))
    expect(said.slice(0, 2)).toEqual(['stop', 'crashed: Error: bug'])
    expect(said).toContain('hurry')
    stopped.resolve()
    expect(await code).toBe(1)
  })

  it('passes on a stop that fails, so that nobody waits for it', async () => {
    system.emit('SIGTERM')
    stopped.reject(new Error('stuck'))
    await expect(run()).rejects.toThrow('stuck')
  })

  it('leaves the start to its own errors, and the system as it was', async () => {
    expect(system.eventNames()).toEqual(['SIGTERM', 'SIGINT', 'SIGHUP'])
    system.emit('SIGTERM')
    stopped.resolve()
    await run()
    signals[Symbol.dispose]()
    expect(system.eventNames()).toEqual([])
  })
})
