local Animal = {} Animal.__index = Animal
function Animal.new(name, sound) return setmetatable({ name = name, sound = sound }, Animal) end
function Animal:speak() return self.name .. " says " .. self.sound end
local Dog = setmetatable({}, { __index = Animal, __call = function(class, ...) return class.new(...) end })
Dog.__index = Dog
Dog.__tostring = function(d) return "Dog<" .. d.name .. ">" end
Dog.__eq = function(a, b) return a.name == b.name end
Dog.__lt = function(a, b) return a.name < b.name end
Dog.__le = function(a, b) return a.name <= b.name end
Dog.__concat = function(a, b) return tostring(a) .. "&" .. tostring(b) end
Dog.__call = function(self, n) return (self.sound .. " "):rep(n) end
function Dog.new(name) local d = Animal.new(name, "woof") return setmetatable(d, Dog) end
function Dog:speak() return Animal.speak(self):upper() end
local rex, fido = Dog("Rex"), Dog("Fido")
print(rex:speak(), fido:speak(), tostring(rex), rex == Dog("Rex"), rex ~= fido, fido < rex, rex <= fido)
print(rex .. fido, rex .. "!", "?" .. rex, rex(3))
print(getmetatable(rex) == Dog, rawequal(rex, Dog("Rex")), rawget(rex, "speak"), rawlen({ 1, 2 }))
