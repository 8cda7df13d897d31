// Node's HTTP server, not imported: an import of `node:http` reads everything that it exports, and with that loads the copy of
// undici behind Node's own `fetch`, which nothing here uses: milliseconds of each start, and megabytes for as long as it runs.
export const nodeHttp = process.getBuiltinModule('node:http')
