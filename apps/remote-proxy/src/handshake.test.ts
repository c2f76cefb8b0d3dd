import { AddressPolicy, createDial } from '@sluice/net'
import { openTestDoor, ScriptedTarget, TestClient } from '@sluice/service/testing'
import { describe, expect, test } from 'vitest'
import { DIALECTS } from './testing/dialects.ts'
import { handshakeContract } from './testing/handshake-contract.ts'
import { testHandshake } from './testing/test-handshake.ts'

describe.each(DIALECTS)('$name', (dialect) => {
  handshakeContract(dialect)
})

test('sumbit line, then plain HTTP: no request needs credentials', async () => {
  using target = await ScriptedTarget.open()
  const dial = createDial({ policy: new AddressPolicy(['127.0.0.0/8']) })
  const door = await openTestDoor(testHandshake(), { users: [{ name: 'ada', password: 'horse' }], dial })
  const client = await TestClient.connect(door.address)
  const get = `GET http://${target.authority}/ HTTP/1.1\r\nHost: x\r\n\r\n`
  client.send(Buffer.from(`sumbit: ada horse \r\n${get}${get}`))
  const conn = await target.next()
  for (let round = 0; round < 2; round += 1) {
    expect(await conn.take()).toMatch(/^GET \/ HTTP/)
    conn.send('HTTP/1.1 204 No Content\r\n\r\n')
  }
  client.close()
  await door.close()
})
