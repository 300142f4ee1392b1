local function compile(source)
  local out, depth = { "local tape, p, write = {}, 1, ... for i = 1, 100 do tape[i] = 0 end" }, 0
  for ops in source:gmatch("[<>+%-.%[%]]") do
    if ops == ">" then out[#out + 1] = "p = p + 1" elseif ops == "<" then out[#out + 1] = "p = p - 1"
    elseif ops == "+" then out[#out + 1] = "tape[p] = (tape[p] + 1) & 255" elseif ops == "-" then out[#out + 1] = "tape[p] = (tape[p] - 1) & 255"
    elseif ops == "." then out[#out + 1] = "write(string.char(tape[p]))" elseif ops == "[" then out[#out + 1] = "while tape[p] ~= 0 do" else out[#out + 1] = "end" end
  end
  return load(table.concat(out, "\n"), "=bf")
end
compile("++++++++[>++++[>++>+++>+++>+<<<<-]>+>+>->>+[<]<-]>>.>---.+++++++..+++.>>.<-.<.+++.------.--------.>>+.>++.")(io.write)
print(compile("[[")) 
