-- What all scripts begin with: the topic, and whether the server lost events that a node had from it.
--
-- KEYS  1 stream  2 meta
-- ARGV  1 format version  2 channel
--       3 places of the topic's newest events that the node knows, the oldest first, with blanks between; a question mark after
--         a place that the server may have lost since the node had it
--
-- Meta:   v format version, n number of the newest event, t its stamp, i its own ID, b stamp at which counting began,
--         c bytes appended so far, l stamp from which on events come after a loss, d the same of the loss before that one:
--         nothing from before it is kept, e when the end of the topic is over.
-- Entry:  ID stamp-number; b bytes, c meta's c with this entry, p stamp of the batch before (in the first of a batch), i own ID.
local s, m, channel = KEYS[1], KEYS[2], ARGV[2]
-- Exact up to 2^53: microseconds until the year 2255.
local function int(number) return string.format('%.0f', number) end
local function parts(place)
  local stamp, number = string.match(place, '^(%d+)-(%d+)$')
  return tonumber(stamp), tonumber(number)
end
local function first_after(from, to) return redis.call('XRANGE', s, from, to, 'COUNT', 1)[1] end

-- The stamp of the event before an entry, kept or not.
local function stamp_before(entry)
  local fields = entry[2]
  for at = 1, #fields, 2 do
    if fields[at] == 'p' then return tonumber(fields[at + 1]) end
  end
  return (parts(entry[1]))
end

local meta = redis.call('HMGET', m, 'v', 'n', 't', 'c', 'e', 'l', 'd', 'b', 'i')
if meta[1] and meta[1] ~= ARGV[1] then return {'version', meta[1]} end
local counted = meta[2]
local number, stamp, bytes = tonumber(meta[2] or '0'), tonumber(meta[3] or '0'), tonumber(meta[4] or '0')
local ended, loss, former_loss = tonumber(meta[5] or '0'), tonumber(meta[6] or '0'), tonumber(meta[7] or '0')
local base, own_id = tonumber(meta[8] or '0'), meta[9] or ''
if not counted then
  -- The counter was evicted and the stream was not: go on after it.
  local newest = redis.call('XREVRANGE', s, '+', '-', 'COUNT', 1)[1]
  if newest then
    stamp, number = parts(newest[1])
    bytes = tonumber(newest[2][4])
  end
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

-- Whether the topic does not go on after a place that it had, and nothing says so yet. A place that is not in doubt is only
-- compared with the counter, because a look into the stream costs a quarter of a publish.
local function is_lost(place, in_doubt)
  local its_stamp, its_number = parts(place)
  if loss > its_stamp or its_stamp == stamp and its_number == number then return false end
  if its_stamp > stamp or its_stamp == stamp and its_number > number then return true end
  if not in_doubt and counted and its_stamp >= base then return false end
  if redis.call('XRANGE', s, place, place)[1] then return false end
  -- Trimmed, if the topic has counted since then and the numbers after it are the next ones.
  local oldest = first_after('-', '+')
  local oldest_stamp, oldest_number, before = stamp, number + 1, stamp
  if oldest then
    oldest_stamp, oldest_number = parts(oldest[1])
    before = stamp_before(oldest)
  end
  if its_number == oldest_number - 1 then return its_stamp ~= before end
  return its_stamp < base or its_stamp > oldest_stamp or its_number >= oldest_number
end

-- Whether all that was lost is marked in the server, for all who read over the place. A replica cannot, nor can a server
-- without memory: then only the node that runs the script gets the loss.
local marked = 1
local function write(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then marked = 0 end
end
for place, mark in string.gmatch(ARGV[3], '([%d-]+)(%??)') do
  if is_lost(place, mark ~= '') then
    -- Above every stamp that the node has seen: places of what was lost are not taken for later ones.
    local border = parts(place) + 1
    if loss > 0 and first_after(int(loss) .. '-0', '(' .. int(border) .. '-0') then
      -- A second loss: only one border can be reported, so what came before the first one is dropped.
      write('XTRIM', s, 'MINID', int(loss) .. '-0')
      write('HSET', m, 'd', int(loss))
      former_loss = loss
    end
    loss = border
    write('HSET', m, 'v', ARGV[1], 'l', int(loss))
    write('PEXPIRE', m, 2592000000)
    if marked == 1 then redis.call('PUBLISH', channel, '1 lost ' .. int(loss)) end
  end
end
