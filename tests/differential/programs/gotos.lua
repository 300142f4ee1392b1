for i = 1, 3 do
  for j = 1, 3 do
    if j == 2 then goto continue end
    if i == 3 then goto done end
    io.write(i, ":", j, " ")
    ::continue::
  end
end
::done::
print()
local n = 0
do
  ::again::
  n = n + 1
  local f = function() return n end
  if n < 5 then goto again end
  print(f(), n)
end
local i = 1
while true do
  i = i * 2
  if i > 100 then break end
  repeat local odd = i % 3 if odd == 1 then break end io.write(i, "!") until odd ~= 5
end
print(i)
print(load("goto nowhere")) print(load("::a:: ::a::")) print(load("break")) print(load("do local x goto l end local y ::l:: print(y)"))
