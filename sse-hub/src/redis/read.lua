-- Events after a place.
--
-- KEYS  1 stream  2 meta
-- ARGV  1 format version  2, 3 stamp and number of the place; a stamp of 0 stands for any
--       4 how many events  5 how many bytes, but one event at least
--       6 '1' to read whether or not there is an event at the place
-- Returns {'ok', 1 if the events follow the place, its stamp, stamp of the first event after a loss, {entries}}
--          | {'version', v}
local s = KEYS[1]
local meta = redis.call('HMGET', KEYS[2], 'v', 'n', 't', 'l')
if meta[1] and meta[1] ~= ARGV[1] then return {'version', meta[1]} end
local loss = tonumber(meta[4] or '0')
local stamp, number = ARGV[2], ARGV[3]

local function parts(entry)
  local stamp_part, number_part = string.match(entry[1], '^(%d+)-(%d+)$')
  return tonumber(stamp_part), tonumber(number_part)
end

if ARGV[6] ~= '1' then
  if stamp == '0' and number ~= '0' then
    -- Stamps and numbers rise together: search the stamp of the last event with at most this number.
    local wanted, found = tonumber(number), nil
    local low, high = loss, tonumber(meta[3] or '0')
    local oldest = redis.call('XRANGE', s, '-', '+', 'COUNT', 1)[1]
    if oldest then low = math.max(low, (parts(oldest))) end
    while oldest and low <= high do
      local middle = math.floor((low + high) / 2)
      local entry = redis.call('XRANGE', s, string.format('%.0f-0', middle), '+', 'COUNT', 1)[1]
      local at, its = math.huge, math.huge
      if entry then at, its = parts(entry) end
      if its <= wanted then
        found, low = at, at + 1
      else
        high = middle - 1
      end
    end
    if found then stamp = string.format('%.0f', found) end
  end
  local newest = stamp == meta[3] and number == meta[2]
  local place = stamp .. '-' .. number
  if not newest and not redis.call('XRANGE', s, place, place)[1] then return {'ok', 0, 0, loss, {}} end
end

local after = stamp .. '-' .. number
local events, bytes, entries, chunk = tonumber(ARGV[4]), tonumber(ARGV[5]), {}, 1
while events > 0 and bytes > 0 do
  local wanted = math.min(chunk, events)
  local found = redis.call('XRANGE', s, '(' .. after, '+', 'COUNT', wanted)
  for _, entry in ipairs(found) do
    bytes = bytes - #entry[2][2]
    if bytes < 0 and #entries > 0 then break end
    entries[#entries + 1] = entry
    after = entry[1]
  end
  events = events - #found
  if #found < wanted then break end
  -- Doubled, so that a page of small events takes few steps and one of large events is not read for nothing.
  chunk = chunk * 2
end
return {'ok', 1, tonumber(stamp), loss, entries}
