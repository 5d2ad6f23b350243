-- Marks that the server lost events of a topic, for all who read over the place, and tells every node.
--
-- KEYS  1 stream  2 meta
-- ARGV  1 format version  2 channel  3 stamp between those of the events before and after the loss
-- Returns {'ok'} | {'version', v}
local s, m, border = KEYS[1], KEYS[2], tonumber(ARGV[3])
local meta = redis.call('HMGET', m, 'v', 'l')
if meta[1] and meta[1] ~= ARGV[1] then return {'version', meta[1]} end
local before = tonumber(meta[2] or '0')
if border > before then
  if before > 0 and redis.call('XRANGE', s, meta[2] .. '-0', '(' .. ARGV[3] .. '-0', 'COUNT', 1)[1] then
    -- A second loss, and one border can be told: what came before the first one goes.
    redis.call('XTRIM', s, 'MINID', meta[2] .. '-0')
    redis.call('HSET', m, 'd', meta[2])
  end
  redis.call('HSET', m, 'v', ARGV[1], 'l', ARGV[3])
  redis.call('PEXPIRE', m, 2592000000)
  redis.call('PUBLISH', ARGV[2], '1 lost ' .. ARGV[3])
end
return {'ok'}
