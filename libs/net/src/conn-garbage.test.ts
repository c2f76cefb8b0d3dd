import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

const CONNS = 20

/** MiB that conns of one each still hold once `each` is over for all of them, and only young objects were looked through. */
const heldAfter = (each: string): number => {
  const program = `import { setImmediate } from 'node:timers/promises'
import { Reader } from './reader.ts'
import { Relay } from './relay.ts'
class FakeConn {
  remote = { host: '192.0.2.1', port: 1 }
  closed = false
  sink
  weight = new ArrayBuffer(2 ** 20)
  attach(sink) { this.sink = sink }
  pause() {}
  resume() {}
  write() { return true }
  end() {}
  over() {
    this.closed = true
    this.sink.onClose(undefined)
  }
}
const lane = () => ({ limiter: undefined, onGrant: undefined, count() {} })
const byte = (bytes) => bytes.length === 0 ? undefined : { value: bytes[0], size: 1 }
const each = async (conn) => { ${each} }
for (let nth = 0; nth < ${CONNS}; nth++) await each(new FakeConn())
for (let turn = 0; turn < 3; turn++) {
  await setImmediate()
  gc({ type: 'minor' })
}
console.log(process.memoryUsage().arrayBuffers / 2 ** 20)`
  const flags = ['--conditions=@sluice/source', '--experimental-strip-types', '--no-warnings']
  const gc = ['--expose-gc', '--no-concurrent-array-buffer-sweeping']
  const options = { cwd: import.meta.dirname, encoding: 'utf8' } as const
  const all = [...flags, ...gc, '--input-type=module', '-e', program]
  return Number(execFileSync(process.execPath, all, options))
}

test('a conn that was kept on purpose is seen', () => {
  expect(heldAfter('(globalThis.kept ??= []).push(conn)')).toBeGreaterThan(CONNS - 2)
}, 20_000)

test.each([
  ['a read', `const value = new Reader(conn, 9).read(byte); conn.sink.onData(Buffer.from('x')); await value`],
  [
    'a relay',
    `const target = new FakeConn()
    const over = new Relay(conn, target, { up: lane(), down: lane() }).run()
    for (const end of [conn, target]) end.sink.onEnd()
    for (const end of [conn, target]) end.over()
    await over`,
  ],
])(
  'behind %s nothing of a young conn stays until the whole heap is marked',
  (_, each) => {
    expect(heldAfter(each)).toBeLessThan(5)
  },
  20_000,
)
