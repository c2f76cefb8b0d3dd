import { expect, test } from 'vitest'
import { onFreePort } from './port-range.ts'

const failure = (code: string): Error => Object.assign(new Error(code), { code })

/** Ports that `onFreePort` tried, and what came of it. */
const tried = async (taken: number[], first: number, last: number, at: number): Promise<unknown[]> => {
  const ports: number[] = []
  const open = (port: number): Promise<number> => {
    ports.push(port)
    return taken.includes(port) ? Promise.reject(failure('EADDRINUSE')) : Promise.resolve(port)
  }
  const opened = onFreePort({ first, last }, open, () => at).catch((error: unknown) => error)
  return [await opened, ports]
}

test('begins anywhere in the range and goes round it', async () => {
  expect(await tried([], 10, 13, 0)).toEqual([10, [10]])
  expect(await tried([], 10, 13, 0.99)).toEqual([13, [13]])
  expect(await tried([12, 13, 10], 10, 13, 0.5)).toEqual([11, [12, 13, 10, 11]])
})

test('gives up where none is free, and after 100', async () => {
  expect(await tried([10, 11], 10, 11, 0)).toMatchObject([{ code: 'DIAL_LOCAL_LIMIT' }, [10, 11]])
  const many = Array.from({ length: 500 }, (_, port) => port)
  const [, ports] = await tried(many, 0, 499, 0)
  expect(ports).toHaveLength(100)
})

test('lets the system choose without a range', async () => {
  expect(await onFreePort(undefined, (port) => Promise.resolve(port))).toBe(0)
})

test.each([
  ['EADDRNOTAVAIL', 'DIAL_LOCAL_LIMIT'],
  ['EACCES', 'DIAL_FAILED'],
])('tries no other port after %s', async (errno, code) => {
  const open = (): Promise<never> => Promise.reject(failure(errno))
  await expect(onFreePort({ first: 1, last: 9 }, open)).rejects.toMatchObject({ code })
})
