-- The accounts of people, as login.defs divides them from those of the system.
local accounts = {}

-- Numbers from UID_MIN upward belong to people; the highest are nobody's.
local NOBODY = 65533

local function first_uid()
  return tonumber(login_defs().UID_MIN) or 1000
end

local function sees_a_shell(shell)
  for _, closed in ipairs(attributes.nologin_shells) do
    if shell == closed then return false end
  end
  return true
end

-- Rows of passwd for people who may log in, root left out.
function accounts.people()
  local first, people = first_uid(), {}
  for _, row in ipairs(passwd().entries) do
    local uid = tonumber(row.uid)
    if uid >= first and uid < NOBODY and sees_a_shell(row.shell) then people[#people + 1] = row end
  end
  return people
end

-- Rows of passwd for programs, root left out.
function accounts.system()
  local first, system = first_uid(), {}
  for _, row in ipairs(passwd().entries) do
    local uid = tonumber(row.uid)
    if uid > 0 and uid < first or uid >= NOBODY then system[#system + 1] = row end
  end
  return system
end

accounts.sees_a_shell = sees_a_shell

-- The values that occur more than once, in the order of their second occurrence.
function accounts.repeated(list)
  local seen, twice = {}, {}
  for _, value in ipairs(list) do
    seen[value] = (seen[value] or 0) + 1
    if seen[value] == 2 then twice[#twice + 1] = value end
  end
  return twice
end

return accounts
