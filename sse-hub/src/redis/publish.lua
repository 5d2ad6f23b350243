-- Appends a batch to a topic and tells every node: all of it or nothing, in one step.
--
-- KEYS  1 stream  2 meta  3 index  4 order of the index
-- ARGV  1 format version  2 channel  3 events kept  4 bytes kept  5 microseconds kept
--       6 newest stamp of the topic that the publishing node knows  7 newest stamp of any topic that it knows
--       8 SHA-256 of the idempotency key, or ''  9 digest of the batch
--       10.. for each event: its own ID or '', its bytes
-- Returns {'ok', stamp, first number, stamp of the newest event before, 1 if events were lost before them}
--          | {'again', stamp, first number} | {'reused'} | {'ended'} | {'version', v}
--
-- Meta:   v format version, n number of the newest event, t its stamp, i its own ID, b stamp at which counting began,
--         c bytes appended so far, l stamp from which on events come after a loss, d the same of the loss before that one:
--         nothing from before it is kept, e when the end of the topic is over.
-- Entry:  ID stamp-number; b bytes, c meta's c with this entry, i own ID.
-- Index:  'i' ID '\0' number ' ' stamp, and 'k' key '\0' number ' ' stamp ' ' digest: sorted, so that the first event that
--         is kept comes first where an ID was given twice. Order: 'number member', the oldest first.
local s, m, x, q = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local max_events, max_bytes, age = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local key, digest = ARGV[8], ARGV[9]
local count = (#ARGV - 9) / 2
-- Exact up to 2^53: microseconds until the year 2255.
local function int(number) return string.format('%.0f', number) end

local meta = redis.call('HMGET', m, 'v', 'n', 't', 'c', 'e', 'l')
if meta[1] and meta[1] ~= ARGV[1] then return {'version', meta[1]} end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
if meta[5] then
  if tonumber(meta[5]) > now then return {'ended'} end
  redis.call('HDEL', m, 'e')
end
if key ~= '' then
  local seen = redis.call('ZRANGEBYLEX', x, '[k' .. key .. '\0', '(k' .. key .. '\1', 'LIMIT', 0, 1)[1]
  if seen then
    local first, stamp, body = string.match(string.sub(seen, #key + 3), '^0*(%d+) (%d+) (.*)$')
    if body ~= digest then return {'reused'} end
    return {'again', tonumber(stamp), tonumber(first)}
  end
end

local number, last_stamp, bytes = tonumber(meta[2] or '0'), tonumber(meta[3] or '0'), tonumber(meta[4] or '0')
if not meta[2] then
  -- The counter was evicted and the stream was not: go on after it.
  local newest = redis.call('XREVRANGE', s, '+', '-', 'COUNT', 1)[1]
  if newest then
    local stamp_part, number_part = string.match(newest[1], '^(%d+)-(%d+)$')
    last_stamp, number, bytes = tonumber(stamp_part), tonumber(number_part), tonumber(newest[2][4])
  end
end
local known, border = tonumber(ARGV[6]), tonumber(meta[6] or '0')
local stamp = math.max(now, last_stamp + 2, known + 1, border, tonumber(ARGV[7]))
-- A node that has seen a newer event than this server holds: the server lost events, and who reads over this place is told.
-- The border is above every stamp that the node has seen, so that places of what was lost are not taken for later ones.
local lost = known > last_stamp or border > last_stamp
if known > last_stamp and known >= border then
  if border > 0 and border <= last_stamp then
    -- A second loss, and one border can be told: what came before the first one goes.
    redis.call('XTRIM', s, 'MINID', int(border) .. '-0')
    redis.call('HSET', m, 'd', int(border))
  end
  redis.call('HSET', m, 'l', int(known + 1))
end
local before_bytes, first, last_id = bytes, number + 1, ''

local parts = {}
for event = 1, count do
  local id, text = ARGV[8 + 2 * event], ARGV[9 + 2 * event]
  number = number + 1
  bytes = bytes + #id + #text
  local place = int(stamp) .. '-' .. int(number)
  if id == '' then
    redis.call('XADD', s, 'MAXLEN', '~', max_events, place, 'b', text, 'c', int(bytes))
  else
    redis.call('XADD', s, 'MAXLEN', '~', max_events, place, 'b', text, 'c', int(bytes), 'i', id)
    local member = 'i' .. id .. '\0' .. string.format('%020.0f %.0f', number, stamp)
    redis.call('ZADD', x, 0, member)
    redis.call('RPUSH', q, int(number) .. ' ' .. member)
  end
  last_id = id
  parts[event] = #id .. ' ' .. #text .. ' ' .. id .. text
end
redis.call('HSET', m, 'v', ARGV[1], 'n', int(number), 't', int(stamp), 'c', int(bytes), 'i', last_id)
if not meta[2] then redis.call('HSET', m, 'b', int(stamp)) end
if key ~= '' then
  local member = 'k' .. key .. '\0' .. string.format('%020.0f %.0f ', first, stamp) .. digest
  redis.call('ZADD', x, 0, member)
  redis.call('RPUSH', q, int(number) .. ' ' .. member)
end

-- What is too old or too much goes in steps of a sixteenth, so that most publishes pay nothing for it.
local function crosses(from, to, step) return math.floor(from / step) ~= math.floor(to / step) end
if not meta[2] or crosses(last_stamp, stamp, age / 16) or crosses(before_bytes, bytes, max_bytes / 16)
  or crosses(first - 1, number, math.min(max_events / 16, 256)) then
  redis.call('XTRIM', s, 'MINID', int(math.max(stamp - age, 0)) .. '-0')
  local oldest = redis.call('XRANGE', s, '-', '+', 'COUNT', 1)[1]
  local length = redis.call('XLEN', s)
  while bytes - tonumber(oldest[2][4]) > max_bytes and length > count do
    length = math.max(count, math.floor(length * 15 / 16))
    redis.call('XTRIM', s, 'MAXLEN', length)
    oldest = redis.call('XRANGE', s, '-', '+', 'COUNT', 1)[1]
  end
  local kept_from = tonumber(string.match(oldest[1], '-(%d+)$'))
  for _ = 1, 1024 + 2 * count do
    local entry = redis.call('LINDEX', q, 0)
    local held_by, member = string.match(entry or '', '^(%d+) (.*)$')
    if not held_by or tonumber(held_by) >= kept_from then break end
    redis.call('LPOP', q)
    redis.call('ZREM', x, member)
  end
  local life = int(math.ceil(age / 1000 * 9 / 8))
  redis.call('PEXPIRE', s, life)
  redis.call('PEXPIRE', x, life)
  redis.call('PEXPIRE', q, life)
  -- The counter outlives its events, so that a quiet topic's subscribers come back without a gap: 30 days at least.
  redis.call('PEXPIRE', m, int(math.max(4 * age / 1000, 2592000000)))
end

local head = table.concat({'1', int(stamp), int(first), count, int(last_stamp), lost and 1 or 0}, ' ') .. '\n'
redis.call('PUBLISH', ARGV[2], head .. table.concat(parts))
return {'ok', stamp, first, last_stamp, lost and 1 or 0}
