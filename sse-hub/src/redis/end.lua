-- Ends a topic for a while: its events go, its counter stays. A topic that does not exist, or is ended, stays as it is.
--
-- KEYS  3 index  4 order of the index
-- ARGV  2 milliseconds for which nothing can be appended
-- Returns {'ok', 1 if there was such a topic: with events, or followed} | {'version', v}
local existed = refused_for <= 0
  and (call('EXISTS', s) == 1 or tonumber(call('PUBSUB', 'NUMSUB', channel)[2]) > 0)
if not existed then return {'ok', 0} end
call('DEL', s, KEYS[3], KEYS[4])
lasting = 1000 * tonumber(ARGV[2])
ended = now + lasting
call('SET', m, packed(), 'PX', math.max(tonumber(ARGV[2]), meta_life))
call('PUBLISH', channel, '1 end')
return {'ok', 1}
