-- Appends a batch to a topic and tells every node: all of it or nothing, in one step.
--
-- KEYS  3 index  4 order of the index
-- ARGV  2 newest stamp of any topic that the node knows
--       3 SHA-256 of the idempotency key and digest of the batch, or ''
--       4.. for each event: its own ID or '', its bytes
-- Returns {'ok', stamp, first number, stamp of the newest event before}
--          | {'again', stamp, first number} | {'reused'} | {'ended'} | {'version', v}
--
-- Index:  'i' ID '\0' number ' ' stamp, and 'k' key '\0' number ' ' stamp ' ' digest: sorted, so that the first event that
--         is kept comes first where an ID was given twice. Order: 'number member', the oldest first.
local x, q = KEYS[3], KEYS[4]
local key, digest = string.sub(ARGV[3], 1, 32), string.sub(ARGV[3], 33)
local count = (#ARGV - 3) / 2

if refused_for > 0 then return {'ended'} end
-- Whether the keys are new: a topic that ended has none but its counter.
local fresh = not counted or ended > 0
ended, lasting = 0, 0
if key ~= '' then
  local seen = call('ZRANGEBYLEX', x, '[k' .. key .. '\0', '(k' .. key .. '\1', 'LIMIT', 0, 1)[1]
  if seen then
    local first, its_stamp, body = string.match(string.sub(seen, #key + 3), '^0*(%d+) (%d+) (.*)$')
    if body ~= digest then return {'reused'} end
    return {'again', tonumber(its_stamp), tonumber(first)}
  end
end

local last_stamp, last_bytes, first = stamp, bytes, number + 1
stamp = math.max(now, last_stamp + 2, loss, tonumber(ARGV[2]))
if base == 0 then base = stamp end
-- Strings that are used several times: what a number costs is to be written.
local stamp_text, before = int(stamp), int(last_stamp)

local function index(member)
  call('ZADD', x, 0, member)
  if call('RPUSH', q, number .. ' ' .. member) == 1 then
    call('PEXPIRE', x, life)
    call('PEXPIRE', q, life)
  end
end

local messages, previous = {}, before
for event = 1, count do
  local id, text = ARGV[2 + 2 * event], ARGV[3 + 2 * event]
  number = number + 1
  bytes = bytes + #id + #text
  own_id = id
  local place = stamp_text .. '-' .. number
  if id == '' then
    call('XADD', s, place, 'b', text, 'c', bytes, 'p', previous)
  else
    call('XADD', s, place, 'b', text, 'c', bytes, 'p', previous, 'i', id)
    index('i' .. id .. '\0' .. string.format('%020.0f %.0f', number, stamp))
  end
  previous = stamp_text
  messages[event] = #id .. ' ' .. #text .. ' ' .. id .. text
end
if key ~= '' then index('k' .. key .. '\0' .. string.format('%020.0f %.0f ', first, stamp) .. digest) end

-- What is too old or too much goes in steps of a sixteenth, so that most publishes pay nothing for it. A step was crossed
-- if the rest above it is less than what was added.
local older = fresh or stamp % (age / 16) < stamp - last_stamp
local larger = bytes % (max_bytes / 16) < bytes - last_bytes
local longer = number % math.min(max_events / 16, 256) < number - first + 1
if older then
  call('SET', m, packed(), 'PX', meta_life)
  call('XTRIM', s, 'MINID', int(math.max(stamp - age, 0)) .. '-0')
  for _, name in ipairs({s, x, q}) do call('PEXPIRE', name, life) end
else
  call('SET', m, packed(), 'KEEPTTL')
end
if longer then call('XTRIM', s, 'MAXLEN', max_events) end
if larger then
  local oldest, length = first_after('-', '+'), call('XLEN', s)
  while bytes - tonumber(oldest[2][4]) > max_bytes and length > count do
    length = math.max(count, math.floor(length * 15 / 16))
    call('XTRIM', s, 'MAXLEN', length)
    oldest = first_after('-', '+')
  end
end
if (older or longer or larger) and call('EXISTS', q) == 1 then
  local _, kept_from = parts(first_after('-', '+')[1])
  for _ = 1, 1024 + 2 * count do
    local held_by, member = string.match(call('LINDEX', q, 0) or '', '^(%d+) (.*)$')
    if not held_by or tonumber(held_by) >= kept_from then break end
    call('LPOP', q)
    call('ZREM', x, member)
  end
end

-- A reader that crosses this place gets a gap.
local lost = loss > last_stamp and '1' or '0'
local head = '1 ' .. stamp_text .. ' ' .. first .. ' ' .. count .. ' ' .. before .. ' ' .. lost .. '\n'
call('PUBLISH', channel, head .. table.concat(messages))
return {'ok', stamp, first, last_stamp}
