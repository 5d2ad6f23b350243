-- Marks that the server lost events of a topic, for all who read over the place.
--
-- KEYS  1 meta
-- ARGV  1 format version  2 stamp between those of the events before and after the loss
-- Returns {'ok'} | {'version', v}
local meta = redis.call('HMGET', KEYS[1], 'v', 'l')
if meta[1] and meta[1] ~= ARGV[1] then return {'version', meta[1]} end
if tonumber(ARGV[2]) > tonumber(meta[2] or '0') then
  redis.call('HSET', KEYS[1], 'v', ARGV[1], 'l', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], 2592000000)
end
return {'ok'}
