local s = "naïve café €🎉"
print(#s, utf8.len(s), utf8.char(233, 8364, 127881), utf8.codepoint(s, 3), utf8.offset(s, 4), utf8.charpattern == "[\0-\x7F\xC2-\xFD][\x80-\xBF]*")
for p, c in utf8.codes("aé€") do io.write(p, ":", c, " ") end print()
for c in s:gmatch(utf8.charpattern) do io.write(c, "|") end print()
print(utf8.len("\xff"), utf8.len("abc\xe4", 1), pcall(utf8.codepoint, "\xff")) print(pcall(utf8.char, -1)) print(utf8.codepoint("añb", 1, -1)) print(utf8.len(s, -4), "\u{48}\u{20AC}", "\x41\65\z
   B")
local reversed = {} for _, c in utf8.codes("añb") do table.insert(reversed, 1, utf8.char(c)) end print(table.concat(reversed))
io.write("bytes: caf\xe9 ", string.char(0, 1, 254, 255), "\n") print("also \xe9 in print", ("é"):sub(1, 1))
