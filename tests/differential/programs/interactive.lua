io.write("name? ") local name = io.read() io.write("age? ") local age = io.read("n", "l")
print(("%s is %d"):format(name, age)) print(io.read(3), io.read(0), io.read("L"), io.read("l"), io.read("n"), io.read("n"), io.read("a"), io.read("a"), io.read("l"), io.read(0))
