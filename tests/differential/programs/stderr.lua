io.stderr:write("to standard error: ", 1, " ", 2.5, "\n")
io.output(io.stderr) io.write("now io.write goes there\n") io.output(io.stdout) print("and back")
warn("@on") warn("careful", " now") warn("@off") warn("silent") print(io.output() == io.stdout, io.input() == io.stdin, tostring(io.stdout):match("^file %("))
local name = os.tmpname() io.output(name) io.write("in a file") io.close() io.input(name) print(io.read("a")) io.close(io.input()) print(pcall(io.read)) io.input(io.stdin) io.output(io.stdout) os.remove(name) print("end")
