// Upstream of the large bodies: takes whatever is sent, and gives as many bytes as the path says.
import { createServer, type ServerResponse } from 'node:http'

const { port } = JSON.parse(process.argv[2] ?? '{}') as { port: number }
const chunk = Buffer.alloc(64 * 1024, 'x')

createServer((request, response) => {
  request.resume().once('end', () => give(response, Number(request.url?.slice(1)) || 0))
}).listen(port, '127.0.0.1')

function give(response: ServerResponse, bytes: number): void {
  response.writeHead(200, { 'content-length': bytes })
  let left = bytes
  const more = () => {
    while (left > 0) {
      const part = chunk.subarray(0, left)
      left -= part.length
      if (!response.write(part)) return
    }
    response.end()
  }
  response.on('drain', more)
  more()
}
