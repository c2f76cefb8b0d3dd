import { expect, test } from 'vitest'
import { OwnPorts } from './own-ports.ts'

test('knows who listens at a port, until each of them has gone', () => {
  const [tcp, udp] = [
    { host: '::', port: 8388 },
    { host: '::', port: 8388 },
  ]
  const own = new OwnPorts()
  own.add(tcp)
  own.add(udp)
  own.add({ host: '127.0.0.1', port: 9101 })
  expect([...own.at(8388)]).toEqual([tcp, udp])
  own.remove(udp)
  own.remove(udp)
  expect([...own.at(8388)]).toEqual([tcp])
  own.remove(tcp)
  expect([...own.at(8388)]).toEqual([])
  expect([...own.at(9101)]).toHaveLength(1)
})
