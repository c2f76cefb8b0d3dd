import type { Example } from '@sluice/service'

/** What `--help` says about the program, beside its flags and commands. */
export const description: readonly string[] = [
  'Ports and names of this server lead to what client programs can reach from where they are. A client is added here, gets ' +
    'an enrolment that is shown once, and says itself, by --allow, what it lets through.',
  'What passes is counted for client, tunnel and host, each by itself, and limits of these and of the user whose client it ' +
    'is hold while it passes: a change acts on what is open.',
  'Rates and sizes: KB is 1,000 bytes, KiB 1,024; bare numbers are bytes, of rates in a second. Times are seconds, or ' +
    'have a unit: 500ms, 2m, 1h.',
]

export const examples: readonly Example[] = [
  {
    does: 'Serve clients from everywhere, and names over HTTP:',
    line: 'nps-server --bridge 0.0.0.0:8025 --http 0.0.0.0:80',
  },
  {
    does: 'Add a client, whose enrolment is for the machine that it runs on:',
    line: 'nps-server client add',
  },
  { does: 'There, with the enrolment on standard input:', line: 'nps-server client run --enroll-stdin' },
  {
    does: 'Port 8001 here leads to the web server there:',
    line: 'nps-server tunnel add --client 1 --mode tcp --listen 0.0.0.0:8001 --target 127.0.0.1:80',
  },
]
