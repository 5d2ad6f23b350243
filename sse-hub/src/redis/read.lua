-- Events after a place.
--
-- ARGV  2, 3 stamp and number of the place, or of an event of the same count at or after it
--       4 the number of the place, if its own stamp is not known, or ''
--       5 how many events  6 how many bytes, but one event at least
--       7 '1' to read whether or not there is an event at the place
-- Returns {'ok', 1 if the events follow the place, its stamp, stamp of the first event after a loss, {entries}}
--          | {'version', v}
local its_stamp, its_number = ARGV[2], ARGV[3]

if ARGV[7] ~= '1' then
  if ARGV[4] ~= '' then
    -- Stamps and numbers rise together: search the stamp of the last event with at most this number.
    its_number = ARGV[4]
    local wanted, found = tonumber(its_number), nil
    local oldest = first_after('-', '+')
    local low, high = oldest and parts(oldest[1]) or 0, oldest and tonumber(its_stamp) or -1
    while low <= high do
      local middle = math.floor((low + high) / 2)
      local entry = first_after(int(middle) .. '-0', '+')
      local at, its = math.huge, math.huge
      if entry then at, its = parts(entry[1]) end
      if its <= wanted and at <= high then
        found, low = at, at + 1
      else
        high = middle - 1
      end
    end
    its_stamp = found and int(found) or '0'
  end
  local newest = tonumber(its_stamp) == stamp and tonumber(its_number) == number
  local place = its_stamp .. '-' .. its_number
  if not newest and not call('XRANGE', s, place, place)[1] then return {'ok', 0, 0, loss, {}} end
end

local after = its_stamp .. '-' .. its_number
local events, bytes_left, entries, chunk = tonumber(ARGV[5]), tonumber(ARGV[6]), {}, 1
while events > 0 and bytes_left > 0 do
  local wanted = math.min(chunk, events)
  local found = call('XRANGE', s, '(' .. after, '+', 'COUNT', wanted)
  for _, entry in ipairs(found) do
    bytes_left = bytes_left - #entry[2][2]
    if bytes_left < 0 and #entries > 0 then break end
    entries[#entries + 1] = entry
    after = entry[1]
  end
  events = events - #found
  if #found < wanted then break end
  -- Doubled, so that a page of small events takes few steps and one of large events is not read for nothing.
  chunk = chunk * 2
end
return {'ok', 1, tonumber(its_stamp), loss, entries}
