local function sieve(n)
  local composite, primes = {}, {}
  for i = 2, n do
    if not composite[i] then
      primes[#primes + 1] = i
      for j = i * i, n, i do composite[j] = true end
    end
  end
  return primes
end
local primes = sieve(2000)
print(#primes, primes[1], primes[#primes])
io.write(table.concat(primes, " ", 1, 25), "\n")
