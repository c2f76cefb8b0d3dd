import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codeOf } from '../testing/code-of.ts'
import { exampleClient, exampleHost } from '../testing/npc-vectors.ts'
import {
  MAX_NPS_FILE_CHARS,
  readNpsClients,
  readNpsGlobal,
  readNpsHosts,
  readNpsTunnels,
} from './conf-file.ts'

const file = (...records: unknown[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n*#*`).join('')

describe('files of records', () => {
  test('one behind the other', () => {
    const two = { ...exampleClient, Id: 2, Remark: 'a\n*#*b' }
    expect(readNpsClients(file(exampleClient, two))).toEqual({ records: [exampleClient, two], errors: [] })
    expect(readNpsHosts(file(exampleHost)).records).toEqual([exampleHost])
  })

  test.each(['', '\n', '\n*#*', ' \r\n*#*\r\n'])('%j has none', (text) => {
    expect(readNpsClients(text)).toEqual({ records: [], errors: [] })
  })

  test('only the id of a client is read of a tunnel, and runtime fields are not', () => {
    const text = file({ Id: 3, Port: 80, Mode: 'tcp', Status: true, RunStatus: true, Client: { Id: 7, VerifyKey: 1 }, HealthNextTime: 'x', HealthMap: null, Target: { TargetStr: 'a:1\nb:2' } }) // prettier-ignore
    const [tunnel] = readNpsTunnels(text).records
    expect(tunnel).toMatchObject({ Id: 3, Port: 80, Mode: 'tcp', Status: true, Client: { Id: 7 } })
    expect(tunnel?.Target).toEqual({ TargetStr: 'a:1\nb:2', TargetArr: [], LocalProxy: false })
    expect(tunnel).not.toHaveProperty('RunStatus')
  })

  test('every error is listed with its place, and the rest is read', () => {
    const text = '{"Id":1}\n*#*\n  {"Id":"s3cret"}\n*#*{"Id":2}\n*#*\n\n{s3cret}\n*#*{"Id":3}'
    const { records, errors } = readNpsHosts(text)
    expect(records.map(({ Id }) => Id)).toEqual([1, 2, 3])
    expect(errors).toEqual([
      { line: 3, offset: 15, message: 'Id is not a whole number' },
      { line: 7, offset: 48, message: 'a text that is not JSON' },
    ])
    expect(errors.map(({ offset }) => text.charAt(offset))).toEqual(['{', '{'])
    for (const { line, offset } of errors) expect(text.slice(0, offset).split('\n')).toHaveLength(line)
  })

  test('any file gives records or errors', () => {
    const piece = fc.oneof(fc.json(), fc.string(), fc.constantFrom('\n*#*', '{"Id":1}', 'null'))
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join('')
        const { errors } = readNpsTunnels(text)
        for (const { line, offset } of errors) expect(text.slice(0, offset).split('\n')).toHaveLength(line)
      }),
    )
  })

  test('a file that is too long is not read', () => {
    const { records, errors } = readNpsClients(`{"Id":1}${' '.repeat(MAX_NPS_FILE_CHARS)}`)
    expect([records.length, errors.length]).toEqual([0, 1])
  })
})

test('what a fork has for all clients is plain JSON', () => {
  expect(readNpsGlobal('{"BlackIpList":["192.0.2.1"]}')).toEqual({
    BlackIpList: ['192.0.2.1'],
    ServerUrl: '',
  })
  expect(codeOf(() => readNpsGlobal('{'))).toBe('WIRE_SYNTAX')
})
