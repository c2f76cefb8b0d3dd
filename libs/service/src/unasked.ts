import type { z } from 'zod'

/** Settings that a door has no use for: they keep their defaults, and nobody is asked for them. */
export const unasked = <Shape extends Record<string, z.ZodType>>(shape: Shape): Shape =>
  Object.fromEntries(
    Object.entries(shape).map(([key, type]) => [key, type.meta({ from: [], live: false })]),
  ) as Shape
