import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

/** How often V8 marked the whole heap while a GiB went through a cipher, a chunk at a time. */
const fullCollections = (each: string): number => {
  const program = `import { createCipheriv, createSecretKey } from 'node:crypto'
import { PerformanceObserver, constants } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { wasted } from './cipher-waste.ts'
let full = 0
const major = constants.NODE_PERFORMANCE_GC_MAJOR
new PerformanceObserver((list) => {
  for (const { detail } of list.getEntries()) if (detail.kind === major) full += 1
}).observe({ entryTypes: ['gc'] })
const key = createSecretKey(Buffer.alloc(32))
const [nonce, chunk] = [Buffer.alloc(12), Buffer.alloc(0x3fff)]
for (let turn = 0; turn < 256; turn++) {
  for (let index = 0; index < 256; index++) {
    const { length } = createCipheriv('aes-256-gcm', key, nonce).update(chunk)
    ${each}
  }
  await setImmediate()
}
console.log(full)`
  const flags = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning', '--input-type=module']
  // What was compiled before, and is not now, is no waste of a heap.
  const env = { ...process.env, NODE_COMPILE_CACHE: undefined }
  const options = { cwd: import.meta.dirname, encoding: 'utf8', env } as const
  return Number(execFileSync(process.execPath, [...flags, '-e', program], options))
}

test('what ciphers throw away is collected before V8 marks the whole heap for it', () => {
  const [without, withIt] = [fullCollections(''), fullCollections('wasted(length)')]
  expect(without).toBeGreaterThan(2)
  expect(withIt).toBeLessThan(without / 2)
}, 60_000)
