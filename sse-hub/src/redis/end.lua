-- Ends a topic for a while: its events go, its counter stays.
--
-- KEYS  1 stream  2 meta  3 index  4 order of the index
-- ARGV  1 format version  2 channel  3 milliseconds for which nothing can be appended
-- Returns {'ok', 1 if there was such a topic: with events, or followed} | {'version', v}
local meta = redis.call('HMGET', KEYS[2], 'v', 'n', 'e')
if meta[1] and meta[1] ~= ARGV[1] then return {'version', meta[1]} end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local over = meta[3] and tonumber(meta[3]) > now
local existed = not over
  and (redis.call('EXISTS', KEYS[1]) == 1 or tonumber(redis.call('PUBSUB', 'NUMSUB', ARGV[2])[2]) > 0)
redis.call('DEL', KEYS[1], KEYS[3], KEYS[4])
redis.call('HSET', KEYS[2], 'v', ARGV[1], 'e', string.format('%.0f', now + 1000 * tonumber(ARGV[3])))
redis.call('PEXPIRE', KEYS[2], string.format('%.0f', math.max(tonumber(ARGV[3]), 2592000000)))
redis.call('PUBLISH', ARGV[2], '1 end')
return {'ok', existed and 1 or 0}
