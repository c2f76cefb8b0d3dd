import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Exchange, Plan } from './exchange.ts'
import { Origin } from './origin.ts'

let origin: Origin
beforeEach(async () => {
  origin = await Origin.open()
})
afterEach(() => origin.close())

async function dial(): Promise<Socket> {
  const socket = createConnection({ host: '127.0.0.1', port: origin.port, allowHalfOpen: true })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

async function play(plan: Plan, open: () => Promise<Socket> = dial): Promise<Exchange> {
  const exchange = origin.newExchange(plan)
  await origin.play(exchange, open)
  return exchange
}

it.each<Plan>([
  { up: 0, down: 0 },
  { up: 300_000, down: 10 },
  { up: 10, down: 300_000 },
  { up: 200_000, down: 200_000, answersLast: true },
])('moves %o to its end', async (plan) => {
  const exchange = await play(plan)
  const [up, down] = [plan.up + 9, plan.down]
  expect(exchange).toMatchObject({ clientSent: up, originGot: up, originSent: down, clientGot: down })
  expect(exchange).toMatchObject({ isEnded: true, garbled: false })
})

it.each(['client', 'origin'] as const)('breaks off at the %s', async (side) => {
  const exchange = await play({ up: 10_000_000, down: 10_000_000, breaks: { side, at: 100_000 } })
  expect(exchange.isEnded).toBe(false)
  expect(side === 'client' ? exchange.clientGot : exchange.originGot).toBeGreaterThanOrEqual(100_000)
})

it('is over when it is reset while nobody ends it', async () => {
  const exchange = origin.newExchange({ up: 0, down: 1, held: true })
  const playing = origin.play(exchange, async () => {
    const socket = await dial()
    socket.once('data', () => exchange.reset())
    return socket
  })
  await playing
  expect(exchange).toMatchObject({ clientGot: 1, isEnded: false })
})

it('notices a byte that is not the one that was sent', async () => {
  const exchange = await play({ up: 10, down: 1000 }, async () => {
    const socket = await dial()
    socket.prependListener('data', (chunk: Buffer) => void (chunk[0]! ^= 1))
    return socket.pause()
  })
  expect(exchange.garbled).toBe(true)
})

it('is over when one side ends it although it is held', async () => {
  const exchange = await play({ up: 0, down: 1, held: true }, async () => {
    const socket = await dial()
    return socket.once('data', () => socket.end()).pause()
  })
  expect(exchange).toMatchObject({ clientGot: 1, isEnded: true })
})

it('answers last where it should', async () => {
  const hadEnded: boolean[] = []
  const open = async (): Promise<Socket> => {
    const socket = await dial()
    socket.once('data', () => hadEnded.push(socket.writableEnded))
    return socket.pause()
  }
  await play({ up: 5_000_000, down: 10, answersLast: true }, open)
  await play({ up: 5_000_000, down: 10 }, open)
  expect(hadEnded).toEqual([true, false])
})

it('has not ended where bytes are missing, however properly both sides end it', async () => {
  const exchange = await play({ up: 10, down: 10 }, async () => {
    const socket = await dial()
    const write = socket.write.bind(socket)
    // The line of the exchange goes out, its payload does not.
    return Object.assign(socket, {
      write: (bytes: string | Buffer) => typeof bytes !== 'string' || write(bytes),
    })
  })
  expect(exchange).toMatchObject({ clientSent: 19, originGot: 9, clientGot: 10, isEnded: false })
})

it('fails as its client fails', async () => {
  await expect(play({ up: 1, down: 1 }, () => Promise.reject(new Error('refused')))).rejects.toThrow(
    'refused',
  )
})
