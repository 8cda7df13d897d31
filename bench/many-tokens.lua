-- As post.lua, with the TOKENS tokens of many-bindings.ts one after the other.
dofile("post.lua")
local tokens = tonumber(os.getenv("TOKENS"))
local requests = {}
local last = 0
init = function()
  for index = 1, tokens do
    wrk.headers["Authorization"] = string.format("Bearer sk-%048d", index)
    requests[index] = wrk.format()
  end
end
request = function()
  last = last % tokens + 1
  return requests[last]
end
