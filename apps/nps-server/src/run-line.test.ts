import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { formatEnrolment, parseEnrolment } from './bridge/index.ts'
import { runLine } from './run-line.ts'

it('hands the enrolment to the client program', () => {
  const enrolment = {
    server: [{ host: '::1', port: 8025 }],
    fingerprint: new Uint8Array(32).fill(0xff),
    secret: new Uint8Array(32).fill(7),
  }
  const line = runLine({ program: 'cat #', enroll: formatEnrolment(enrolment) })
  expect(line).toMatch(/ client run --enroll-stdin$/)
  expect(parseEnrolment(String(execFileSync('sh', ['-c', line])))).toEqual(enrolment)
})
