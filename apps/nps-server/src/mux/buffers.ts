import { BufferPool } from '@sluice/net'

/** Of all muxes together: one that is idle holds none. */
export const POOL: BufferPool = new BufferPool()
