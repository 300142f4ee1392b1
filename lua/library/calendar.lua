--- The proleptic Gregorian calendar in integers: days and seconds since 1970-01-01, civil fields,
-- ISO weeks. Pure arithmetic shared by `time` and `os`; time zones are in library/zone.

local calendar = {}

calendar.MONTHS = {
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
}

-- Index 0 is Sunday.
calendar.WEEKDAYS = {
  [0] = "Sunday",
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
}

local BEFORE_MONTH = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 }
local MONTH_DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

function calendar.is_leap(year)
  return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
end

--- Days in a month, 1 to 12, of a year.
function calendar.days_in_month(year, month)
  if month == 2 and calendar.is_leap(year) then
    return 29
  end
  return MONTH_DAYS[month]
end

--- Days since 1970-01-01 of a date. Month and day may be out of range and then count on: month 13
-- is the next January, day 0 the last day of the month before.
function calendar.days(year, month, day)
  year = year + (month - 1) // 12
  month = (month - 1) % 12 + 1
  -- Years that begin in March put the leap day at the end, which makes the sum below regular.
  if month <= 2 then
    year = year - 1
    month = month + 12
  end
  local era = year // 400
  local year_of_era = year - era * 400
  local day_of_year = (153 * (month - 3) + 2) // 5
  return era * 146097
    + year_of_era * 365
    + year_of_era // 4
    - year_of_era // 100
    + day_of_year
    + day
    - 719469
end

--- Year, month and day of a number of days since 1970-01-01.
function calendar.civil(days)
  days = days + 719468
  local era = days // 146097
  local day_of_era = days - era * 146097
  local year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096)
    // 365
  local day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
  local shifted = (5 * day_of_year + 2) // 153
  local day = day_of_year - (153 * shifted + 2) // 5 + 1
  local month = shifted < 10 and shifted + 3 or shifted - 9
  local year = year_of_era + era * 400
  return month <= 2 and year + 1 or year, month, day
end

--- Seconds since 1970-01-01 00:00 of civil fields without a zone; every field may be out of range.
function calendar.seconds(year, month, day, hour, minute, second)
  return calendar.days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
end

--- 0 (Sunday) to 6 of a number of days since 1970-01-01.
function calendar.weekday(days)
  return (days + 4) % 7
end

--- 1 to 366.
function calendar.year_day(year, month, day)
  local before = BEFORE_MONTH[month]
  if month > 2 and calendar.is_leap(year) then
    before = before + 1
  end
  return before + day
end

--- ISO 8601 week number, 1 to 53, of a number of days since 1970-01-01.
function calendar.iso_week(days)
  -- The week belongs to the year of its Thursday.
  local thursday = days - (days + 3) % 7 + 3
  local year = calendar.civil(thursday)
  return (thursday - calendar.days(year, 1, 1)) // 7 + 1
end

return calendar
