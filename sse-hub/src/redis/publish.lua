-- Appends a batch to a topic and tells every node: all of it or nothing, in one step.
--
-- KEYS  3 index  4 order of the index
-- ARGV  4 events kept  5 bytes kept  6 microseconds kept  7 newest stamp of any topic that the node knows
--       8 SHA-256 of the idempotency key, or ''  9 digest of the batch
--       10.. for each event: its own ID or '', its bytes
-- Returns {'ok', stamp, first number, stamp of the newest event before}
--          | {'again', stamp, first number} | {'reused'} | {'ended'} | {'version', v}
--
-- Index:  'i' ID '\0' number ' ' stamp, and 'k' key '\0' number ' ' stamp ' ' digest: sorted, so that the first event that
--         is kept comes first where an ID was given twice. Order: 'number member', the oldest first.
local x, q = KEYS[3], KEYS[4]
local max_events, max_bytes, age = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local key, digest = ARGV[8], ARGV[9]
local count = (#ARGV - 9) / 2

if ended > now then return {'ended'} end
if ended > 0 then redis.call('HDEL', m, 'e') end
if key ~= '' then
  local seen = redis.call('ZRANGEBYLEX', x, '[k' .. key .. '\0', '(k' .. key .. '\1', 'LIMIT', 0, 1)[1]
  if seen then
    local first, its_stamp, body = string.match(string.sub(seen, #key + 3), '^0*(%d+) (%d+) (.*)$')
    if body ~= digest then return {'reused'} end
    return {'again', tonumber(its_stamp), tonumber(first)}
  end
end

local last_stamp, bytes_before, first, last_id = stamp, bytes, number + 1, ''
stamp = math.max(now, last_stamp + 2, loss, tonumber(ARGV[7]))
-- A reader that crosses this place gets a gap.
local lost = loss > last_stamp and 1 or 0

local messages = {}
for event = 1, count do
  local id, text = ARGV[8 + 2 * event], ARGV[9 + 2 * event]
  number = number + 1
  bytes = bytes + #id + #text
  local place = int(stamp) .. '-' .. int(number)
  local entry = {'b', text, 'c', int(bytes)}
  if event == 1 and last_stamp > 0 then
    entry[5], entry[6] = 'p', int(last_stamp)
  end
  if id ~= '' then
    entry[#entry + 1] = 'i'
    entry[#entry + 1] = id
    local member = 'i' .. id .. '\0' .. string.format('%020.0f %.0f', number, stamp)
    redis.call('ZADD', x, 0, member)
    redis.call('RPUSH', q, int(number) .. ' ' .. member)
  end
  redis.call('XADD', s, 'MAXLEN', '~', max_events, place, unpack(entry))
  last_id = id
  messages[event] = #id .. ' ' .. #text .. ' ' .. id .. text
end
redis.call('HSET', m, 'v', ARGV[1], 'n', int(number), 't', int(stamp), 'c', int(bytes), 'i', last_id)
if not counted then redis.call('HSET', m, 'b', int(stamp)) end
if key ~= '' then
  local member = 'k' .. key .. '\0' .. string.format('%020.0f %.0f ', first, stamp) .. digest
  redis.call('ZADD', x, 0, member)
  redis.call('RPUSH', q, int(number) .. ' ' .. member)
end

-- What is too old or too much goes in steps of a sixteenth, so that most publishes pay nothing for it.
local function crosses(from, to, step) return math.floor(from / step) ~= math.floor(to / step) end
if not counted or crosses(last_stamp, stamp, age / 16) or crosses(bytes_before, bytes, max_bytes / 16)
  or crosses(first - 1, number, math.min(max_events / 16, 256)) then
  redis.call('XTRIM', s, 'MINID', int(math.max(stamp - age, 0)) .. '-0')
  local oldest = first_after('-', '+')
  local length = redis.call('XLEN', s)
  while bytes - tonumber(oldest[2][4]) > max_bytes and length > count do
    length = math.max(count, math.floor(length * 15 / 16))
    redis.call('XTRIM', s, 'MAXLEN', length)
    oldest = first_after('-', '+')
  end
  local _, kept_from = parts(oldest[1])
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

local head = table.concat({'1', int(stamp), int(first), count, int(last_stamp), lost}, ' ') .. '\n'
redis.call('PUBLISH', channel, head .. table.concat(messages))
return {'ok', stamp, first, last_stamp}
