import { AddressPolicy } from '../address-policy.ts'
import type { Conn } from '../conn.ts'
import { createDial } from '../dial.ts'
import { listen } from '../listen.ts'
import { errnoOf } from '../net-error.ts'

// A program to run with few files to open. It says on which port it listens; its conns echo. Asked for it, it says how
// many conns it holds and what a dial comes to. It lets go of all conns when told 'free', and ends with its input.
const conns = new Set<Conn>()
const listener = await listen({
  host: '127.0.0.1',
  port: 0,
  onConn: (conn) => {
    conns.add(conn)
    conn.attach({
      onData: (chunk) => void conn.write(Buffer.from(chunk)),
      onEnd: () => conn.destroy(),
      onDrain: () => {},
      onClose: () => conns.delete(conn),
    })
  },
  onError: () => {},
})
const dial = createDial({ policy: new AddressPolicy(['127.0.0.0/8']) })

const state = async (): Promise<{ held: number; dial: string }> => {
  const held = conns.size
  try {
    const conn = await dial(listener.address, AbortSignal.timeout(5000))
    conn.destroy()
    return { held, dial: 'OK' }
  } catch (error) {
    return { held, dial: errnoOf(error) }
  }
}

console.log(JSON.stringify(listener.address))
for await (const command of process.stdin.setEncoding('utf8')) {
  if (command === 'free') for (const conn of conns) conn.destroy()
  else console.log(JSON.stringify(await state()))
}
process.exit()
