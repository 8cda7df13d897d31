// /admin/api/cameras: which cameras clients have and how much of them is kept; never a frame.
import { adminCamerasPage, adminCamerasQuery } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import type { Video } from '../video/video.ts'
import { answers, type WebApi } from '../web/web.ts'

export type CameraRouteDependencies = {
  config: Pick<Config, 'limits'>
  video: Pick<Video, 'cameras'> & { frames: Pick<Video['frames'], 'totals'> }
}

export function addCameraRoutes(api: WebApi, { config, video }: CameraRouteDependencies): void {
  const schema = {
    tags: ['video'],
    summary: 'List cameras: counts and bytes of what this process keeps, never a frame',
    querystring: adminCamerasQuery,
    response: answers(adminCamerasPage),
  }
  api.get('/admin/api/cameras', { schema }, async ({ query }) => {
    const memory = { ...video.frames.totals(), bytes_max: config.limits.video.buffer_bytes_max }
    return { ...(await video.cameras.list(query)), memory }
  })
}
