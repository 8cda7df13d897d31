// The program behind `./sallyport`: hands the words of the command line to the program and ends with its exit code.
import { runCommandLine } from './program.ts'

// `sallyport logs | head` closes our output early; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

process.exitCode = await runCommandLine(process.argv.slice(2), {
  env: process.env,
  workingDir: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  now: Date.now,
  exitCode: 0,
})
