-- What a topic holds, where an ID stands in it, and its newest events.
--
-- KEYS  1 stream  2 meta  3 index
-- ARGV  1 format version  2 an ID, or ''  3 the same as a stream ID if it has that form, or ''
--       4, 5 how many events and bytes of the newest events to return
-- Returns {'ok', number, stamp, own ID of the newest event, base stamp, stamp from which on events come after a loss,
--          the same of the loss before that one, milliseconds until an end is over, the clock in microseconds, oldest stream ID or '', place of the ID or '',
--          last stream ID whose stamp is not above the ID's or '', {newest entries, the newest first}}
--          | {'version', v}
local s = KEYS[1]
local meta = redis.call('HMGET', KEYS[2], 'v', 'n', 't', 'b', 'l', 'e', 'i', 'd')
if meta[1] and meta[1] ~= ARGV[1] then return {'version', meta[1]} end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local ended = math.max(math.ceil((tonumber(meta[6] or '0') - now) / 1000), 0)
local oldest = redis.call('XRANGE', s, '-', '+', 'COUNT', 1)[1]
local number, stamp = meta[2], meta[3]
if not number and oldest then
  -- The counter was evicted and the stream was not.
  local newest = redis.call('XREVRANGE', s, '+', '-', 'COUNT', 1)[1]
  stamp, number = string.match(newest[1], '^(%d+)-(%d+)$')
end

local place, floor = '', ''
if ARGV[2] ~= '' then
  local member
  if oldest then
    -- What is older was trimmed, and the index may not know yet.
    local from = string.format('%020.0f', tonumber(string.match(oldest[1], '-(%d+)$')))
    member = redis.call('ZRANGEBYLEX', KEYS[3], '[i' .. ARGV[2] .. '\0' .. from, '(i' .. ARGV[2] .. '\1', 'LIMIT', 0, 1)[1]
  end
  if member then
    local found_number, found_stamp = string.match(string.sub(member, #ARGV[2] + 3), '^0*(%d+) (%d+)$')
    place = found_stamp .. '-' .. found_number
  elseif meta[7] == ARGV[2] then
    place = stamp .. '-' .. number
  end
end
if ARGV[3] ~= '' then
  if place == '' and redis.call('XRANGE', s, ARGV[3], ARGV[3])[1] then place = ARGV[3] end
  local ceiling = string.match(ARGV[3], '^(%d+)-') .. '-18446744073709551615'
  local below = redis.call('XREVRANGE', s, ceiling, '-', 'COUNT', 1)[1]
  if below then floor = below[1] end
end

local events, bytes, before, entries, chunk = tonumber(ARGV[4]), tonumber(ARGV[5]), '+', {}, 1
while events > 0 and bytes > 0 do
  local found = redis.call('XREVRANGE', s, before, '-', 'COUNT', math.min(chunk, events))
  for _, entry in ipairs(found) do
    bytes = bytes - #entry[2][2]
    if bytes < 0 and #entries > 0 then break end
    entries[#entries + 1] = entry
    before = '(' .. entry[1]
  end
  events = events - #found
  if #found < chunk then break end
  chunk = chunk * 2
end
return {'ok', tonumber(number or '0'), tonumber(stamp or '0'), meta[7] or '', tonumber(meta[4] or '0'),
  tonumber(meta[5] or '0'), tonumber(meta[8] or '0'), ended, now, oldest and oldest[1] or '', place, floor, entries}
