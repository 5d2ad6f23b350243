-- What all scripts begin with: the topic, and whether the server lost events that a node had from it.
--
-- Above these lines the node writes its settings:
--       version (one character) of the format, max_events (a string), max_bytes and age (in microseconds) to keep;
--       life of the events' keys and meta_life, in milliseconds
-- KEYS  1 stream: the channel's name and ':s'  2 meta
-- ARGV  1 places of the topic's newest events that the node knows, the oldest first, with blanks between; a question mark after
--         a place that the server may have lost since the node had it
--
-- Meta:   one string, because a hash of the same values takes half as long again for a publish, and short, because Redis has a
--         string of up to 44 bytes in one place: the version; as doubles, exact up to 2^53 (microseconds until the year 2255),
--         number of the newest event, its stamp, bytes appended so far, stamp at which counting began; 'r' and four more
--         if one of them is not 0: when the end of the topic is over, how long it was to last, stamp from which on events come
--         after a loss, the same of the loss before that one: nothing from before it is kept; ' ' and own ID of the newest event.
-- Entry:  ID stamp-number; b bytes, c meta's bytes with this entry, p stamp of the event before, 0 for none, i own ID.
local call, s, m = redis.call, KEYS[1], KEYS[2]
local channel = string.sub(s, 1, -3)
-- For what is joined to a string: Lua itself writes 14 digits only, Redis 17.
local function int(number) return string.format('%.0f', number) end
local function parts(place)
  local stamp, number = string.match(place, '^(%d+)-(%d+)$')
  return tonumber(stamp), tonumber(number)
end
local function first_after(from, to) return call('XRANGE', s, from, to, 'COUNT', 1)[1] end

-- The stamp of the event before an entry, kept or not; the entry's own for the first event of the topic.
local function stamp_before(entry)
  local before = tonumber(entry[2][6])
  return before > 0 and before or (parts(entry[1]))
end

local number, stamp, bytes, base, ended, lasting, loss, former_loss, own_id = 0, 0, 0, 0, 0, 0, 0, 0, ''
local meta = call('GET', m)
if meta then
  local its_version = string.sub(meta, 1, 1)
  if its_version ~= version then return {'version', its_version} end
  local rest
  number, stamp, bytes, base, rest = struct.unpack('<ddddc1', meta, 2)
  if rest == 'r' then
    ended, lasting, loss, former_loss = struct.unpack('<dddd', meta, 35)
    own_id = string.sub(meta, 68)
  else
    own_id = string.sub(meta, 35)
  end
end
local counted = base > 0
if not counted then
  -- The counter was evicted and the stream was not: go on after it.
  local newest = call('XREVRANGE', s, '+', '-', 'COUNT', 1)[1]
  if newest then
    stamp, number = parts(newest[1])
    bytes, base = tonumber(newest[2][4]), stamp
  end
end
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
-- How much longer the topic is refused. If that is longer than it was to last, the clock was set back, and nobody knows how much
-- of it is over: then all of it.
local refused_for = ended - now
if refused_for > lasting then refused_for = 0 end

local function packed()
  local rest = ''
  if ended + loss + former_loss > 0 then rest = 'r' .. struct.pack('<dddd', ended, lasting, loss, former_loss) end
  return version .. struct.pack('<dddd', number, stamp, bytes, base) .. rest .. ' ' .. own_id
end
-- Whether the topic does not go on after a place that it had, and nothing says so yet. A place that is not in doubt is only
-- compared with the counter, because a look into the stream costs a quarter of a publish.
local function is_lost(its_stamp, its_number, in_doubt)
  if loss > its_stamp or its_stamp == stamp and its_number == number then return false end
  if its_stamp > stamp or its_stamp == stamp and its_number > number then return true end
  if not in_doubt and counted and its_stamp >= base then return false end
  local place = int(its_stamp) .. '-' .. int(its_number)
  if call('XRANGE', s, place, place)[1] then return false end
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
for its_stamp, its_number, mark in string.gmatch(ARGV[1], '(%d+)-(%d+)(%??)') do
  its_stamp = tonumber(its_stamp)
  if is_lost(its_stamp, tonumber(its_number), mark ~= '') then
    -- Above every stamp that the node has seen: places of what was lost are not taken for later ones.
    local border = its_stamp + 1
    if loss > 0 and first_after(int(loss) .. '-0', '(' .. int(border) .. '-0') then
      -- A second loss: only one border can be reported, so what came before the first one is dropped.
      write('XTRIM', s, 'MINID', int(loss) .. '-0')
      former_loss = loss
    end
    loss = border
    write('SET', m, packed(), 'PX', meta_life)
    if marked == 1 then call('PUBLISH', channel, '1 lost ' .. int(loss)) end
  end
end
