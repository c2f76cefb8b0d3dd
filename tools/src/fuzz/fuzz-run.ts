/** How one target is to be fuzzed. */
export interface FuzzRun {
  readonly seconds: number
  /** The inputs follow from it alone. */
  readonly seed: number
  /** A line for people. */
  readonly say: (line: string) => void
}
