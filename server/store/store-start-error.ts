// Starts that cannot go on although the configuration is well-formed.

/** The storage cannot be opened; the message says why and what to do. */
export class StoreStartError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'StoreStartError'
  }
}

/** Exit code of a start that was refused because of another process (EX_TEMPFAIL of sysexits.h). */
export const dataFolderInUseExitCode = 75

/** Another living gateway owns the data folder. */
export class DataFolderInUseError extends StoreStartError {
  constructor(dataDir: string, owner: string) {
    super(
      `${dataDir} is in use by another Sallyport (${owner}). Stop that one first, or give this one its own DATA_DIR`,
    )
    this.name = 'DataFolderInUseError'
  }
}
