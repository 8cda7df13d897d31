-- As post.lua, with a body of BODY_BYTES.
dofile("post.lua")
wrk.body = string.rep("x", tonumber(os.getenv("BODY_BYTES")))
