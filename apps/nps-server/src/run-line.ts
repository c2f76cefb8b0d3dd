export interface RunLineOptions {
  /** How the program is called, such as `node apps/nps-server/dist/main.mjs`. */
  readonly program: string
  /** As `Manager.addClient` has made it. */
  readonly enroll: string
}

/** A line for a shell that runs the client program; an enrolment has nothing that a shell's quotes could take for their own. */
export const runLine = ({ program, enroll }: RunLineOptions): string =>
  `printf '%s' '${enroll}' | ${program} client run --enroll-stdin`
