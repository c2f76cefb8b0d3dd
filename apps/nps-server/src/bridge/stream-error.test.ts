import { NetError } from '@sluice/net'
import { OUTCOMES, ServiceError } from '@sluice/service'
import { STREAM_STATUS } from '@sluice/wire/bridge'
import { expect, it } from 'vitest'
import { streamError } from './stream-error.ts'

it('every status is an outcome, and what fails to be dialled fails as a dial does', () => {
  for (const [name, status] of Object.entries(STREAM_STATUS)) {
    expect(OUTCOMES).toHaveProperty(name)
    if (name !== 'OK') expect(streamError(status)).toMatchObject({ code: name })
  }
  expect(streamError(STREAM_STATUS.DIAL_REFUSED)).toBeInstanceOf(NetError)
  expect(streamError(STREAM_STATUS.STREAM_LIMIT)).toBeInstanceOf(ServiceError)
  expect(streamError(255)).toMatchObject({ code: 'DIAL_FAILED' })
})
