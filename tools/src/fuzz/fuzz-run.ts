/** How one target is to be fuzzed. */
export interface FuzzRun {
  /** It goes on for as long, and until each codec or parser has had as many inputs. */
  readonly seconds: number
  readonly cases: number
  /** The inputs follow from it alone. */
  readonly seed: number
  /** A line for people. */
  readonly say: (line: string) => void
}
