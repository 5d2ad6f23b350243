-- Ends a topic for a while: its events go, its counter stays. A topic that does not exist, or is ended, stays as it is.
--
-- KEYS  3 index  4 order of the index
-- ARGV  4 milliseconds for which nothing can be appended
-- Returns {'ok', 1 if there was such a topic: with events, or followed} | {'version', v}
local lasting = tonumber(ARGV[4])
local existed = ended <= now
  and (redis.call('EXISTS', s) == 1 or tonumber(redis.call('PUBSUB', 'NUMSUB', channel)[2]) > 0)
if not existed then return {'ok', 0} end
redis.call('DEL', s, KEYS[3], KEYS[4])
redis.call('HSET', m, 'v', ARGV[1], 'e', int(now + 1000 * lasting))
redis.call('PEXPIRE', m, int(math.max(lasting, 2592000000)))
redis.call('PUBLISH', channel, '1 end')
return {'ok', 1}
